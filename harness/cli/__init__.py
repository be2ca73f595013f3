"""The command line: arguments in, one command run, an exit code out. A file a command, a few lines each."""
