"""Connect one vendor's stock, orders and shipping to a Wheelwright hub."""
