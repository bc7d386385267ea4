"""Whether an order may go on at all."""
