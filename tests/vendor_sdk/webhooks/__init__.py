"""Webhooks by command line."""
