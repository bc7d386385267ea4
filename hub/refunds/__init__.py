"""Money that goes back to the buyer, by refund or by dispute, and from whom it is gathered."""
