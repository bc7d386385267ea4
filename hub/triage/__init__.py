"""Mending what failed: operators, vendors and rules look into dead letters, send them again, or give them up with a compensation."""
