"""A vendor's Medusa shop: its Admin API (v2), where reservations are what sets units aside."""
