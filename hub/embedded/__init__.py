"""Owns the parts that `make run` brings along: PostgreSQL and NATS from wheels, and the supervisor that keeps them up."""
