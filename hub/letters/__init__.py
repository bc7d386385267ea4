"""What was given up on, kept whole until it is mended: the dead letters, their lives and their fingerprints."""
