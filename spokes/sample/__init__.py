"""The people at the sample vendors of `hub run` that have no system of their own: one works through the vendor API, one with files."""
