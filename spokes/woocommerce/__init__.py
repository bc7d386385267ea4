"""A vendor's WooCommerce shop: its REST API v3, where an order on hold is what sets units aside."""
