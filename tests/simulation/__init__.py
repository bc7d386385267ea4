"""Tests of the simulation: its parts against the real ones, its sameness by seed, the seeds that ever failed, and planted mistakes."""
