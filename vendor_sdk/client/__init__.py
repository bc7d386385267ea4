"""The client of the vendor API: `Client` blocks, `AsyncClient` awaits; both are one text."""

from vendor_sdk.client.aio.client import AsyncClient
from vendor_sdk.client.sync.client import Client

__all__ = ["AsyncClient", "Client"]
