"""The vendor SDK, on a real broker with one account per vendor."""
