"""Stripe as our payment provider: separate charges and transfers, manual capture, frozen idempotency keys."""
