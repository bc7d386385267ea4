"""Returns: delivered units on their way back, from the buyer's wish to the refund and the shelf."""
