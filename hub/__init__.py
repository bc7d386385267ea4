"""The hub: it owns the order, the money and the truth."""
