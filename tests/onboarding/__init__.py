"""Tests of vendors' way to us, and from us."""
