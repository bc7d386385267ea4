"""A simulated vendor, and a hub that asks it and notes what it says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from hub.simulation.broker import Broker
from hub.simulation.characters import CHARACTERS
from hub.simulation.loop import run
from hub.simulation.nature import EPOCH, Nature
from hub.simulation.process import Process
from hub.simulation.streams import Delivery
from hub.simulation.vendors import Vendor
from vendor_sdk.messages import EVENTS, Message, decode_event

DAY = 86400
ITEMS = [{"sku": "tea", "quantity": 2}]
ADDRESS = {"name": "Ida", "line1": "1 High Street", "city": "Bonn", "postal_code": "53111", "country": "DE"}
FAR = datetime.fromtimestamp(EPOCH + 30 * DAY, UTC).isoformat()


class Play:
    """A vendor, and a hub that asks and notes what it hears."""

    def __init__(self, character: str, *, seed: int = 1, rates: dict[str, float] | None = None, stock: int = 5) -> None:
        self.nature = Nature(seed, rates or {}, telling=True)
        self.broker = Broker(self.nature)
        self.broker.ensure("acme")
        self.vendor = Vendor(self.nature, self.broker, "acme", CHARACTERS[character], {"tea": stock})
        self.vendor.start()
        self.heard: list[tuple[str, str]] = []
        self.bodies: dict[str, Message] = {}
        self.broker.consume("EVT_acme", Process(self.nature, "worker"), self._hear)

    async def _hear(self, delivery: Delivery) -> None:
        kind = delivery.subject.removeprefix("evt.acme.")
        self.heard.append((delivery.headers.get("Mk-Cmd-Id", ""), kind))
        if kind in EVENTS and delivery.headers["Nats-Msg-Id"].removesuffix(".echo").rsplit(".", 1)[-1].isdigit():
            self.bodies[kind] = decode_event(kind, delivery.data)
        await delivery.ack()

    def ask(self, kind: str, sub: str = "s1", *, attempt: int = 1, deadline: str = "", command_id: str = "", **more: Any) -> str:
        """Ask it; the command's id is made of what is asked."""
        verb = kind.rsplit(".", 1)[-1]
        command_id = command_id or f"{verb}-{sub}"
        body: dict[str, Any] = {"sub_order_id": sub}
        match verb:
            case "reserve":
                body |= {"items": ITEMS, "expires_at": FAR}
            case "release":
                body |= {"reserve_command_id": f"reserve-{sub}"}
            case "submit":
                priced = [{**item, "title": "Tea", "unit_price": 100} for item in ITEMS]
                body |= {"order_id": "o1", "items": priced, "ship_to": ADDRESS, "shipping_option": "post", "shipping_price": 0}
                body |= {"total": 200, "currency": "EUR", "answer_by": FAR}
            case "recall":
                body |= {"submit_command_id": f"submit-{sub}", "reason": "canceled"}
            case "ship":
                body |= {"items": ITEMS, "ship_to": ADDRESS, "shipping_option": "post"}
            case _:
                body |= {"parcels": []}
        headers = {"Nats-Msg-Id": f"{command_id}.{attempt}", "Mk-Cmd-Id": command_id, "Mk-Attempt": str(attempt), "Mk-Order-Id": "o1"}
        if deadline:
            headers["Mk-Deadline"] = deadline
        self.broker.store(f"cmd.acme.{kind}", headers, msgspec.json.encode(body | more))
        return command_id

    def answers(self, command_id: str) -> list[str]:
        return [kind for known, kind in self.heard if known == command_id]

    def balanced(self) -> bool:
        house = self.vendor.house
        held = sum(units["tea"] for units in (*house.reserved.values(), *house.shipped.values()))
        return house.free["tea"] + held == house.received["tea"] and house.free["tea"] >= 0


def play(story: Callable[[Play], Awaitable[None]], character: str = "prompt", *, seed: int = 1, stock: int = 5, **rates: float) -> Play:
    async def main() -> Play:
        one = Play(character, seed=seed, rates=rates, stock=stock)
        await story(one)
        assert one.balanced()
        return one

    return run(main())


async def whole(one: Play, sub: str = "s1") -> None:
    """A sub-order's life, asked for in order."""
    for kind in ("stock.reserve", "orders.submit", "shipping.ship", "shipping.track"):
        one.ask(kind, sub)
        await asyncio.sleep(10 * DAY if kind == "shipping.ship" else 60)
