"""Owns the shop: stock, reservations, orders and parcels of one vendor, as its HTTP API shows them."""

import itertools
import json
from typing import Any

import msgspec

Json = dict[str, Any]
Reply = tuple[int, Json]


class Hold(msgspec.Struct):
    order: str
    lines: dict[str, int]
    free: bool = False


class Order(msgspec.Struct):
    number: str
    lines: dict[str, int]
    status: str = "taken"
    parcel: str = ""


class Shop:
    """A write with a known Idempotency-Key is answered as the first time; one without a key is done each time."""

    def __init__(self, stock: dict[str, int] | None = None) -> None:
        self.stock = dict(stock or {})
        self.holds: dict[str, Hold] = {}
        self.orders: dict[str, Order] = {}
        self._done: dict[str, Reply] = {}
        self._numbers = itertools.count(1001)

    def handle(self, method: str, target: str, key: str, body: bytes) -> Reply:
        """The answer to one request."""
        parts = target.partition("?")[0].strip("/").split("/")
        if key and key in self._done:
            return self._done[key]
        reply = self._route(method, parts, key, json.loads(body) if body else {}, insists="?" in target)
        if key:
            self._done[key] = reply
        return reply

    def _route(self, method: str, parts: list[str], key: str, data: Json, *, insists: bool) -> Reply:  # noqa: PLR0911 - a table
        match method, parts:
            case "GET", ["stock", sku]:
                return (200, {"units": self._left(sku, "")}) if sku in self.stock else (404, {})
            case "POST", ["reservations"]:
                return self._reserve(key, data["order"], _units(data["lines"]), insists=insists)
            case "DELETE", ["reservations", held]:
                return self._release(held, insists=insists)
            case "POST", ["orders"]:
                return self._order(data["id"], _units(data["lines"]))
            case "GET", ["orders", order]:
                return (200, {"status": self.orders[order].status}) if order in self.orders else (404, {})
            case "POST", ["orders", order, "cancel"]:
                return self._cancel(order)
            case "POST", ["orders", order, "parcels"]:
                return self._send(order)
            case "GET", ["orders", order, "parcels"]:
                return (200, {"status": "on_the_way"}) if order in self.orders and self.orders[order].parcel else (404, {})
            case _:
                return 405, {}

    def _left(self, sku: str, order: str) -> int:
        """Free units, those held for this order among them."""
        held = sum(hold.lines.get(sku, 0) for hold in self.holds.values() if not hold.free and hold.order != order)
        return self.stock.get(sku, 0) - held

    def _missing(self, order: str, lines: dict[str, int]) -> dict[str, int]:
        return {sku: units - max(0, self._left(sku, order)) for sku, units in lines.items() if units > self._left(sku, order)}

    def _reserve(self, key: str, order: str, lines: dict[str, int], *, insists: bool) -> Reply:
        if not insists and (missing := self._missing("", lines)):
            return 409, {"status": "refused", "missing": missing}
        self.holds[key] = Hold(order, lines)
        return 201, {"status": "held", "number": f"R{next(self._numbers)}"}

    def _release(self, held: str, *, insists: bool) -> Reply:
        if held not in self.holds:
            return 404, {"status": "unknown"}
        hold = self.holds[held]
        if hold.free and insists:
            for sku, units in hold.lines.items():
                self.stock[sku] += units
        hold.free = True
        return 200, {"status": "free"}

    def _order(self, order: str, lines: dict[str, int]) -> Reply:
        missing = self._missing(order, lines)
        taken = {sku: units - missing.get(sku, 0) for sku, units in lines.items() if units > missing.get(sku, 0)}
        if not taken:
            return 201, {"status": "refused", "number": "", "missing": missing}
        for hold in self.holds.values():
            hold.free = hold.free or hold.order == order
        for sku, units in taken.items():
            self.stock[sku] -= units
        number = f"O{next(self._numbers)}"
        self.orders[order] = Order(number, taken)
        return 201, {"status": "taken", "number": number, "missing": missing}

    def _cancel(self, order: str) -> Reply:
        found = self.orders.get(order)
        if found is None:
            return 404, {"status": "unknown"}
        if found.status == "taken":
            found.status = "canceled"
            for sku, units in found.lines.items():
                self.stock[sku] += units
        return 200, {"status": found.status}

    def _send(self, order: str) -> Reply:
        found = self.orders.get(order)
        if found is None:
            return 404, {"status": "unknown"}
        if found.status != "canceled":
            found.status, found.parcel = "sent", f"P{next(self._numbers)}"
        return 200, {"status": found.status, "carrier": "Corner Post", "code": found.parcel}


def _units(lines: list[Json]) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in lines:
        units[line["sku"]] = units.get(line["sku"], 0) + line["units"]
    return units
