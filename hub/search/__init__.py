"""Search: how customers find products, with the offers that are for sale."""
