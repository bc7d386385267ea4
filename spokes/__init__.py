"""The spokes: one folder per vendor system, each an adapter written against the vendor SDK alone."""
