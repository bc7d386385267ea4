"""Tests of what all adapters over HTTP share."""
