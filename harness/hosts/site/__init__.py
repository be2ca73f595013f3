"""A folder for PYTHONPATH: every Python that a program starts stays on this machine, as the program does."""
