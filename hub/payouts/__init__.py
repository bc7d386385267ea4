"""What is owed to vendors: held until the hold ends, then transferred to the connected account."""
