"""The client of the vendor API."""
