"""The right adapter for the shop: the three files of a new project, filled."""
