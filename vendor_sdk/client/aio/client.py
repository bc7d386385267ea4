"""The client: one hub, one vendor's key, and what a vendor may see and do, area by area."""

from types import TracebackType
from typing import Self

import httpx

from vendor_sdk.client.aio.access import Joining, Keys, Vacations
from vendor_sdk.client.aio.books import Books, Payouts
from vendor_sdk.client.aio.feeds import Feeds
from vendor_sdk.client.aio.offers import Offers
from vendor_sdk.client.aio.orders import Orders, Refunds
from vendor_sdk.client.aio.returns import Returns
from vendor_sdk.client.aio.sender import Sender
from vendor_sdk.client.aio.standing import Letters, Standing
from vendor_sdk.client.aio.webhooks import Deliveries, Endpoints
from vendor_sdk.client.connection import Connection, Patience


class AsyncClient:
    """The vendor API of the hub at `base_url`. Raises `Misconfigured` for an address or a key that is none.

    A write carries an ``Idempotency-Key``, the same in each of its attempts: it is done once. What is busy, away or cut
    off is asked again within `patience`, as soon as the hub wishes. http is for this machine alone, unless it is allowed.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        patience: Patience | None = None,
        allow_http: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection(base_url, api_key, patience=patience or Patience(), allow_http=allow_http)
        self._sender = Sender(self._connection, transport)
        self.orders = Orders(self._sender)
        self.refunds = Refunds(self._sender)
        self.returns = Returns(self._sender)
        self.offers = Offers(self._sender)
        self.feeds = Feeds(self._sender)
        self.books = Books(self._sender)
        self.payouts = Payouts(self._sender)
        self.endpoints = Endpoints(self._sender)
        self.deliveries = Deliveries(self._sender)
        self.letters = Letters(self._sender)
        self.standing = Standing(self._sender)
        self.keys = Keys(self._sender)
        self.vacation = Vacations(self._sender)
        self.joining = Joining(self._sender)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.base_url!r}, …)"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._sender.close()
