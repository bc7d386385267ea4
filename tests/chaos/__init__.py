"""Whole marketplaces while everything breaks: whatever happens, every cent ends where it belongs, once."""
