"""SAY IT: the result document in; console, files and an exit code out."""
