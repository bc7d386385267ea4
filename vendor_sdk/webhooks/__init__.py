"""Webhooks on a developer's machine: heard, forwarded, asked for and told again; and their signatures."""
