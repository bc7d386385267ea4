"""Vendors' connected accounts at a provider: opened, onboarded, looked at."""
