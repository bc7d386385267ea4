"""Liveness: which vendors' spokes live, how well, and what that means for what is sold."""
