"""Owns the way to pay that needs no provider: bank transfers, told apart by their reference and known from the bank's files."""
