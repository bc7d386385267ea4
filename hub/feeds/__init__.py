"""Feeds: what vendors tell of their catalog and stock by themselves, page by page, and what became of each row."""
