"""The whole API in process, for liveness."""

from tests.hub_api import api

__all__ = ["api"]
