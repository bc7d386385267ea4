"""A vendor with five endpoints: its own stock and orders, an idempotency key on every change, the reference library's signatures."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook as Signer

from tests.spokes.faulty import Faulty, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_b3RoZXItc2VjcmV0LW9mLXRoZS1zYW1lLXNob3Ah"
Answer = tuple[int, dict[str, Any]]
Asked = dict[str, Any]
Fact = tuple[str, dict[str, Any]]


class Vendor(Faulty):
    """What one vendor's program knows."""

    def __init__(self, secret: str = SECRET) -> None:
        super().__init__()
        self.url = ""
        self.signer = Signer(secret)
        self.units: dict[str, int] = {}
        self.slow = False
        """Whether it says pending until `decide`."""
        self.arrived: set[str] = set()
        self.effects: list[str] = []
        self.late = timedelta()
        self.rates: list[dict[str, Any]] = []
        self.says: Answer | None = None
        self.signs_for: str | None = None
        self.bodies: dict[str, set[bytes]] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._reserved: dict[str, str] = {}
        self._orders: dict[str, str] = {}

    def stock(self, sku: str, units: int) -> None:
        self.units[sku] = units

    def decide(self, sub_order_id: str) -> None:
        self._orders[sub_order_id] = "accepted"

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        asked: Any = self.signer.verify(body, dict(request.headers))
        command_id = request.headers["idempotency-key"]
        assert request.headers["webhook-id"] == command_id
        self.bodies.setdefault(command_id, set()).add(body)
        status, said = self.says or self._do(command_id, asked["type"], asked["data"])
        text = json.dumps(said)
        now = datetime.now(UTC) - self.late  # noqa: TID251 - a vendor lives by its own clock
        signed_for = self.signs_for or command_id
        headers = {
            "webhook-id": signed_for,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": f"v1,bm8= {self.signer.sign(signed_for, now, text)}",
        }
        return web.Response(status=status, text=text, content_type="application/json", headers=headers)

    def _do(self, command_id: str, kind: str, data: dict[str, Any]) -> Answer:
        verb = getattr(self, "_" + kind.partition(".")[2])
        fact, more = verb(data | {"id": command_id})
        if not fact:
            return 409, more
        about = {name: value for name, value in data.items() if name == "sub_order_id"}
        return 200, {"type": f"{kind.partition('.')[0]}.{fact}", "data": {**about, **more}}

    def _reserve(self, data: Asked) -> Fact:
        if data["id"] not in self.effects:
            short = self._take(data["sub_order_id"], _units(data["items"]))
            if short:
                return "refused", {"reason": "out_of_stock", "short": short}
            self._reserved[data["id"]] = data["sub_order_id"]
            self.effects.append(data["id"])
        return "reserved", {"reference": f"R-{data['id']}"}

    def _release(self, data: Asked) -> Fact:
        sub_order_id = self._reserved.pop(data["reserve_command_id"], "")
        if sub_order_id and sub_order_id not in self._orders:
            self._give_back(sub_order_id)
            self.effects.append(data["id"])
        return "released", {}

    def _submit(self, data: Asked) -> Fact:
        if data["id"] not in self.effects:
            if self._take(data["sub_order_id"], _units(data["items"])):
                return "declined", {"reason": "out_of_stock"}
            self._orders[data["sub_order_id"]] = "pending" if self.slow else "accepted"
            self.effects.append(data["id"])
        return self._orders[data["sub_order_id"]], {}

    def _recall(self, data: Asked) -> Fact:
        if self._orders.get(data["sub_order_id"]) == "shipped":
            return "kept", {}
        self._orders[data["sub_order_id"]] = "recalled"
        self._give_back(data["sub_order_id"])
        return "recalled", {}

    def _ship(self, data: Asked) -> Fact:
        if data["id"] not in self.effects:
            if self._orders.get(data["sub_order_id"]) != "accepted":
                return "", {"reason": "not_accepted"}
            self._orders[data["sub_order_id"]] = "shipped"
            self.effects.append(data["id"])
        return "shipped", {"parcels": [{"carrier": "Post", "tracking_number": f"T-{data['id']}"}]}

    def _rates(self, _: Asked) -> Fact:
        return "rates", {"rates": self.rates}

    def _take(self, sub_order_id: str, wanted: dict[str, int]) -> list[dict[str, Any]]:
        """Hold exactly these units for a sub-order, or say what is missing."""
        held = self._held.get(sub_order_id, {})
        free = {sku: self.units.get(sku, 0) + held.get(sku, 0) for sku in wanted}
        short = [{"sku": sku, "quantity": units - max(0, free[sku])} for sku, units in wanted.items() if free[sku] < units]
        if not short:
            self._give_back(sub_order_id)
            self._held[sub_order_id] = wanted
            for sku, units in wanted.items():
                self.units[sku] -= units
        return short

    def _give_back(self, sub_order_id: str) -> None:
        for sku, units in self._held.pop(sub_order_id, {}).items():
            self.units[sku] += units

    def _track(self, data: Asked) -> Fact:
        return ("delivered" if data["sub_order_id"] in self.arrived else "in_transit"), {}


def _units(items: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in items:
        found[item["sku"]] = found.get(item["sku"], 0) + item["quantity"]
    return found


def rate(code: str = "post", amount: int = 490) -> dict[str, Any]:
    return {"code": code, "name": code.title(), "price": {"amount": amount, "currency": "EUR"}, "days": 3}


@asynccontextmanager
async def a_vendor(secret: str = SECRET) -> AsyncGenerator[Vendor]:
    """A vendor, serving at its `url`."""
    vendor = Vendor(secret)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await vendor.serve(request, vendor.answer)

    app = web.Application()
    app.add_routes([web.post(path, handle) for path in ("/reserve", "/release", "/orders", "/shipments", "/rates")])
    async with serving(app) as vendor.url:
        yield vendor
