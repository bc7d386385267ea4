"""Adapters that are wrong on purpose, each in one thing."""
