"""Webhooks: what payment providers tell us by themselves, kept as it came and applied later; a hint, never the truth."""
