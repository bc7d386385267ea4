"""Owns the fixtures of this folder: the whole API."""

from tests.hub_api import api

__all__ = ["api"]
