"""What goes back to buyers, and who bears it."""
