"""Pricing: quotes, tax and commission; wholly pure."""
