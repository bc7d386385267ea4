"""What the buyer placed: one order, its sub-orders (the part each vendor owes) and their lines."""
