"""One file per AWS service (or part of one): declarations of its resource types, and answers to its functions."""
