"""A vendor's Shopify shop: its GraphQL Admin API, with its own way to set units aside."""
