"""DO IT: the lifecycle of a cell and its guarantee, from the first preview to the proof that nothing is left."""
