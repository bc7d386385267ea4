"""Notifications: what vendors' own systems are told by webhook, after the fact, signed, in order and at least once."""
