"""How orders are paid: with authentication, another way, by bank transfer, not at all."""
