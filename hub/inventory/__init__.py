"""Inventory: how many units of each offer are for sale, promised, shipped; and the vendors' own way to say so."""
