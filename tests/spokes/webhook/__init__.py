"""Tests of the webhook adapter against a vendor's server."""
