"""The hosted adapter: promises what the hub has promised already, and leaves every other answer to the vendor."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from spokes.hosted.mapping import failure, recalled
from vendor_sdk.adapter import Adapter
from vendor_sdk.client import AsyncClient
from vendor_sdk.client.connection import Patience
from vendor_sdk.client.errors import ClientError, NotFound
from vendor_sdk.errors import Misconfigured
from vendor_sdk.messages import (
    Kept,
    Pending,
    Recall,
    Recalled,
    Release,
    Released,
    Reserve,
    Reserved,
    Ship,
    Submit,
    Track,
)
from vendor_sdk.ports import Context, Orders, Shipping, Stock


class HostedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the vendor API is, and a key of the vendor's (reading suffices): from the environment, or in `api_key_file`.

    `allow_http` lets the key travel unencrypted to another machine. Times in seconds.
    """

    base_url: str
    api_key: str = ""
    api_key_file: str = ""
    allow_http: bool = False
    timeout: Annotated[float, Meta(gt=0, le=60)] = 5.0


class Hosted(Adapter[HostedSettings], Stock, Orders, Shipping):
    """A vendor who works through the vendor API alone."""

    async def open(self) -> None:
        """Get the client ready. Raises `Misconfigured` for an address or a key that is none."""
        seconds = self.config.timeout
        patience = Patience(attempt=seconds, call=seconds, least=seconds)  # one attempt: the guard asks again
        self._client = AsyncClient(self.config.base_url, self._key(), patience=patience, allow_http=self.config.allow_http)

    async def close(self) -> None:
        """Let go of the client."""
        await self._client.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved:  # noqa: ARG002  # the port's
        """The hub keeps the stock: what it asks for it has promised out of it already."""
        return Reserved(sub_order_id=command.sub_order_id)

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002  # the port's
        """The hub has given it back already."""
        return Released(sub_order_id=command.sub_order_id)

    async def submit(self, command: Submit, context: Context) -> Pending:  # noqa: ARG002  # the port's
        """The vendor will say."""
        return Pending(sub_order_id=command.sub_order_id)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:  # noqa: ARG002  # the port's
        """Stopped, unless the vendor has told that it has left."""
        try:
            order = await self._client.orders.get(command.sub_order_id)
        except NotFound:
            return recalled(command.sub_order_id, None)
        except ClientError as error:
            raise failure(error) from error
        return recalled(command.sub_order_id, order)

    async def ship(self, command: Ship, context: Context) -> Pending:  # noqa: ARG002  # the port's
        """The vendor will say."""
        return Pending(sub_order_id=command.sub_order_id)

    async def track(self, command: Track, context: Context) -> Pending:  # noqa: ARG002  # the port's
        """The vendor will say."""
        return Pending(sub_order_id=command.sub_order_id)

    def _key(self) -> str:
        if self.config.api_key:
            return self.config.api_key
        if not self.config.api_key_file:
            raise Misconfigured(f"SPOKE_{self.vendor.upper().replace('-', '_')}_CONFIG_API_KEY, or api_key_file, has to be set")
        try:
            return Path(self.config.api_key_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"api_key_file: {error}") from error
