"""Goods that come back: an emulated return has the states, the rules and the webhooks of a hub's."""
