"""Tests of the Medusa adapter against a double of its Admin API, and by `make test-live` against the real server."""
