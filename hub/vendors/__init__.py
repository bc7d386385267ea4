"""Vendors: who sells through us, in what standing, by which spoke, on which terms and with which shipping options."""
