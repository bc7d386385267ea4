"""Feeds: what vendors tell of their catalog, stock and shipping rates by themselves, page by page, and what became of each row."""
