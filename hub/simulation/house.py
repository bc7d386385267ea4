"""A simulated vendor's house: its stock, the orders it took on, what has left and arrived; the truth that checks compare with."""

from collections.abc import Sequence
from typing import NamedTuple

from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Item,
    Kept,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Released,
    Reserved,
    Shipped,
    Shortfall,
)

ORDERED, DECLINED, RECALLED, LOADING, LEFT = "ordered", "declined", "recalled", "loading", "left"

Units = dict[str, int]


class Decision(NamedTuple):
    """Whether the house takes an order on, the unix second at which it makes that up, and whether it is one unit short."""

    yes: bool
    at: float
    short: bool = False


class Purchase:
    """One sub-order, as far as the house knows of it; times in unix seconds."""

    __slots__ = ("arrives_at", "decision", "leaves_at", "short", "state")

    def __init__(self, decision: Decision) -> None:
        self.state = ORDERED
        self.short: list[Shortfall] = []
        """What of it the house does not deliver."""
        self.decision = decision
        self.leaves_at: float | None = None
        self.arrives_at: float | None = None


class House:
    """Each change has the command's id as its key: asked again, it is not made again. A SKU not in stock's list is never short."""

    def __init__(self, stock: Units) -> None:
        self.received = dict(stock)
        """What there was at the beginning, and what came back: free + reserved + shipped are always this."""
        self.free = dict(stock)
        self.reserved: dict[str, Units] = {}
        """What is set aside or ordered and has not left, by sub-order."""
        self.shipped: dict[str, Units] = {}
        """What has left, by sub-order."""
        self.delivered: dict[str, float] = {}
        """When it arrived, by sub-order, where that is past."""
        self.done: dict[str, int] = {}
        """How often each command took effect; more than once is a wrong."""
        self.purchases: dict[str, Purchase] = {}
        self._expires: dict[str, float] = {}

    def reserve(self, key: str, sub_order_id: str, items: Sequence[Item], now: float, expires_at: float) -> Reserved | Refused:
        """Hold all of it until then, or none."""
        if key not in self.done and sub_order_id not in self.reserved:
            if not self._take(sub_order_id, items, now):
                return Refused(sub_order_id=sub_order_id, reason="out_of_stock")
            self._expires[sub_order_id] = expires_at
            self._effect(key)
        return Reserved(sub_order_id=sub_order_id, reference=f"R-{sub_order_id[-8:]}")

    def release(self, key: str, sub_order_id: str) -> Released:
        """Give back what is held, unless an order has taken it."""
        if sub_order_id in self._expires:
            self._give_back(sub_order_id)
            self._effect(key)
        return Released(sub_order_id=sub_order_id)

    def submit(self, key: str, sub_order_id: str, items: Sequence[Item], now: float, decision: Decision) -> Accepted | Declined | Pending:
        """Take it on as `decision` says, if this is the first time that it is asked and the goods are there."""
        purchase = self.purchases.get(sub_order_id)
        if purchase is None:
            if sub_order_id not in self.reserved and not self._take(sub_order_id, items, now):
                return Declined(sub_order_id=sub_order_id, reason="out_of_stock")
            self._expires.pop(sub_order_id, None)
            purchase = self.purchases[sub_order_id] = Purchase(decision)
            if decision.yes and decision.short:
                self._fall_short(sub_order_id, purchase, items)
            self._effect(key)
        self.decide(sub_order_id, now)
        if purchase.state in {DECLINED, RECALLED}:
            return Declined(sub_order_id=sub_order_id, reason=purchase.state)
        if purchase.state == ORDERED and purchase.decision.at > now:
            return Pending(sub_order_id=sub_order_id)
        return self.accepted(sub_order_id)

    def accepted(self, sub_order_id: str) -> Accepted:
        """How it says yes."""
        return Accepted(sub_order_id=sub_order_id, reference=f"O-{sub_order_id[-8:]}", short=self.purchases[sub_order_id].short)

    def decide(self, sub_order_id: str, now: float) -> None:
        """Say no, if that is what time has brought."""
        purchase = self.purchases[sub_order_id]
        if purchase.state == ORDERED and not purchase.decision.yes and purchase.decision.at <= now:
            purchase.state = DECLINED
            self._give_back(sub_order_id)

    def recall(self, key: str, sub_order_id: str, now: float) -> Recalled | Kept:
        """Stop it, unless it has left."""
        purchase = self.purchases.get(sub_order_id)
        if purchase is not None and purchase.state in {ORDERED, LOADING}:
            self.leave(sub_order_id, now)
            if purchase.state in {ORDERED, LOADING}:
                purchase.state = RECALLED
                self._give_back(sub_order_id)
                self._effect(key)
        if purchase is not None and purchase.state == LEFT:
            return Kept(sub_order_id=sub_order_id)
        return Recalled(sub_order_id=sub_order_id)

    def ship(self, key: str, sub_order_id: str, now: float, leaves_at: float, arrives_at: float | None) -> Shipped | Pending | None:
        """Send it then; None if there is nothing to be sent: it was declined, recalled or never ordered."""
        purchase = self.purchases.get(sub_order_id)
        if purchase is None or purchase.state in {DECLINED, RECALLED}:
            return None
        if purchase.state == ORDERED:
            purchase.state, purchase.leaves_at, purchase.arrives_at = LOADING, leaves_at, arrives_at
            self._effect(key)
        self.leave(sub_order_id, now)
        return parcels(sub_order_id) if purchase.state == LEFT else Pending(sub_order_id=sub_order_id)

    def leave(self, sub_order_id: str, now: float) -> None:
        """The goods are gone, if their time has come."""
        purchase = self.purchases[sub_order_id]
        if purchase.state == LOADING and purchase.leaves_at is not None and purchase.leaves_at <= now:
            purchase.state = LEFT
            self.shipped[sub_order_id] = self.reserved.pop(sub_order_id)

    def track(self, sub_order_id: str, now: float) -> Delivered | Pending:
        """Whether it has arrived."""
        purchase = self.purchases.get(sub_order_id)
        if purchase is None or purchase.arrives_at is None or purchase.arrives_at > now or purchase.state != LEFT:
            return Pending(sub_order_id=sub_order_id)
        self.delivered.setdefault(sub_order_id, purchase.arrives_at)
        return Delivered(sub_order_id=sub_order_id)

    def restock(self, key: str, items: Sequence[Item]) -> None:
        """Good units have come back: they are received once more."""
        if key in self.done:
            return
        for item in items:
            if item.sku in self.free:
                self.free[item.sku] += item.quantity
                self.received[item.sku] += item.quantity
        self._effect(key)

    def expire(self, now: float) -> None:
        """Give back what was set aside for too long. Also to be called before `reserved` is compared with anything."""
        for sub_order_id in [each for each, at in self._expires.items() if at <= now]:
            self._give_back(sub_order_id)

    def _fall_short(self, sub_order_id: str, purchase: Purchase, items: Sequence[Item]) -> None:
        """One unit of the first item is broken, unless that is all there is."""
        if sum(item.quantity for item in items) > 1:
            sku = items[0].sku
            purchase.short = [Shortfall(sku=sku, quantity=1, reason="damaged")]
            held = self.reserved[sub_order_id]
            held[sku] -= 1
            if not held[sku]:
                del held[sku]
            if sku in self.free:
                self.free[sku] += 1

    def _take(self, sub_order_id: str, items: Sequence[Item], now: float) -> bool:
        units: Units = {}
        for item in items:
            units[item.sku] = units.get(item.sku, 0) + item.quantity
        if self._short(units):
            self.expire(now)
            if self._short(units):
                return False
        for sku, quantity in units.items():
            if sku in self.free:
                self.free[sku] -= quantity
        self.reserved[sub_order_id] = units
        return True

    def _short(self, units: Units) -> bool:
        return any(self.free.get(sku, quantity) < quantity for sku, quantity in units.items())

    def _give_back(self, sub_order_id: str) -> None:
        self._expires.pop(sub_order_id, None)
        for sku, quantity in self.reserved.pop(sub_order_id).items():
            if sku in self.free:
                self.free[sku] += quantity

    def _effect(self, key: str) -> None:
        self.done[key] = self.done.get(key, 0) + 1


def parcels(sub_order_id: str) -> Shipped:
    """One box, with a number that follows from the sub-order."""
    return Shipped(sub_order_id=sub_order_id, parcels=[Parcel(carrier="Virtual Post", tracking_number=f"VP-{sub_order_id}"[:128])])
