"""A simulated vendor's back room: which returns it expects, when they are back, and how it finds them."""

from collections.abc import Sequence
from random import Random

from hub.simulation.house import House
from vendor_sdk.messages import (
    Authorize,
    Authorized,
    Cancel,
    Canceled,
    Inspect,
    Inspected,
    Pending,
    Received,
    Refused,
    Restock,
    Restocked,
    ReturnItem,
)

HOUR, DAY = 3600.0, 86400.0
REFUSED, LOST = 0.12, 0.2
"""So many returns are refused, and so many of the others never sent."""
BACK = (6 * HOUR, 8 * DAY)
"""From the authorization until the goods are back and somebody has looked at them."""


class Expected:
    """One return; `back_at` in unix seconds, None: never."""

    __slots__ = ("back_at", "canceled", "found")

    def __init__(self, back_at: float | None, found: list[Inspected]) -> None:
        self.back_at = back_at
        self.found = found
        self.canceled = False


class BackRoom:
    """What becomes of a return follows from its id, so that asking twice changes nothing."""

    def __init__(self, seed: int, house: House) -> None:
        self.expected: dict[str, Expected] = {}
        self.refused: dict[str, None] = {}
        self._seed = seed
        self._house = house

    def authorize(self, body: Authorize, now: float) -> Authorized | Refused:
        """Say yes, mostly."""
        if body.return_id not in self.expected:
            dice = self._dice(body.return_id)
            if dice.random() < REFUSED:
                self.refused[body.return_id] = None
                return Refused(sub_order_id=body.sub_order_id, reason="not_returnable")
            self._expect(body.return_id, body.items, now, dice)
        return Authorized(sub_order_id=body.sub_order_id, reference=f"RMA-{body.return_id[-8:]}")

    def inspect(self, body: Inspect, now: float) -> Received | Pending:
        """What is back."""
        if body.return_id not in self.expected:  # somebody has agreed for us
            self._expect(body.return_id, body.items, now, self._dice(body.return_id))
        it = self.expected[body.return_id]
        if it.canceled or it.back_at is None or it.back_at > now:
            return Pending(sub_order_id=body.sub_order_id)
        return Received(sub_order_id=body.sub_order_id, items=it.found)

    def cancel(self, body: Cancel) -> Canceled:
        """Expect it no longer, unless it is here."""
        if body.return_id in self.expected:
            self.expected[body.return_id].canceled = True
        return Canceled(sub_order_id=body.sub_order_id)

    def restock(self, key: str, body: Restock) -> Restocked:
        """Count good units again."""
        self._house.restock(key, body.items)
        return Restocked(sub_order_id=body.sub_order_id)

    def _expect(self, return_id: str, items: Sequence[ReturnItem], now: float, dice: Random) -> None:
        back_at = None if dice.random() < LOST else now + BACK[0] * (BACK[1] / BACK[0]) ** dice.random()
        self.expected[return_id] = Expected(back_at, found(items, dice))

    def _dice(self, return_id: str) -> Random:
        return Random(f"{self._seed}:{return_id}")  # noqa: S311  # to be repeated


def found(items: Sequence[ReturnItem], dice: Random) -> list[Inspected]:
    """How the units of a return are found: most of them good, and not all of them there."""
    counted: list[Inspected] = []
    for item in items:
        how = dice.choices(("good", "damaged", "rejected", "missing"), (70, 15, 10, 5), k=item.quantity)
        reason = "worn" if "rejected" in how else ""
        units = {name: how.count(name) for name in ("good", "damaged", "rejected")}
        if any(units.values()):
            counted.append(Inspected(sku=item.sku, reason=reason, **units))
    return counted or [Inspected(sku=items[0].sku, damaged=items[0].quantity)]
