"""The cart: what a customer gathers, and the quotes made of it."""
