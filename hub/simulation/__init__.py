"""Simulation: the hub's own code in one process, on a virtual clock, in a world that loses, delays, repeats and crashes by seed."""
