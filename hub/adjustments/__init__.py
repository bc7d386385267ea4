"""Fines and bonuses, by rule and by hand."""
