"""The shop without a network: the kit's meddler inside an HTTP transport, for many certifications in little time."""

import itertools
import json

import httpx

from tests.vendor_sdk.shop.corner.adapter import Corner
from tests.vendor_sdk.shop.corner.upstream import CornerSystem
from tests.vendor_sdk.shop.model import Shop
from vendor_sdk.conformance.exchange import Request
from vendor_sdk.conformance.meddler import Meddler, Response
from vendor_sdk.conformance.stage import Stage

_numbers = itertools.count(1)
_inside: dict[str, Meddler] = {}


class Transport(httpx.AsyncBaseTransport):
    """Ends at a meddler instead of a socket."""

    def __init__(self, meddler: Meddler) -> None:
        self._meddler = meddler

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(method=request.method, target=request.url.raw_path.decode(), headers=headers, body=await request.aread())
        answer = await self._meddler.answer(asked)
        if answer is None:
            raise httpx.ReadError("cut", request=request)
        status, more, body = answer
        return httpx.Response(status, headers=more, content=body, request=request)


class Inside(Corner):
    """The right adapter on such a transport."""

    async def open(self) -> None:
        self.system = CornerSystem(self.config, Transport(_inside[self.config.url]))


class ShopStage(Stage):
    """A shop of its own for each certification."""

    async def open(self) -> None:
        self.shop = Shop()
        self.meddler = Meddler(self._forward, status=["status"])
        self.config = {"url": f"http://shop-{next(_numbers)}"}
        _inside[self.config["url"]] = self.meddler

    async def close(self) -> None:
        del _inside[self.config["url"]]

    async def stock(self, sku: str, units: int) -> None:
        self.shop.stock[sku] = units

    async def _forward(self, request: Request) -> Response:
        status, body = self.shop.handle(request.method, request.target, request.headers.get("idempotency-key", ""), request.body)
        return status, {"Content-Type": "application/json"}, json.dumps(body).encode()
