"""WHAT will run: settings, files and flags in, a plan of cells out. Reads files, touches nothing else."""
