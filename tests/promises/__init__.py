"""Tests of what vendors promise and how they keep it."""
