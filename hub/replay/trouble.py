"""Decides which of the recorded orders go wrong and how: the same ones for the same seed."""

import random
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from hub.replay.files import Good, Recorded

DEBTS_PER_TROUBLE = 10
"""Of so many troubles one is a refund that the vendor's account does not give back."""


class Kind(StrEnum):
    """What goes wrong."""

    WHOLE = "all of it refunded"
    UNIT = "one unit refunded"
    AMOUNT = "an amount refunded"
    SHIPPING = "the shipping refunded"
    RETRIED = "refund failed late, sent again"
    BY_HAND = "refund failed late, paid by hand"
    DEBT = "all of it refunded, the vendor's account empty"
    WON = "dispute won"
    LOST = "dispute lost"


DISPUTES = frozenset({Kind.WON, Kind.LOST})
FAILING = frozenset({Kind.RETRIED, Kind.BY_HAND})
_IN_TURN = (
    *((kind, True) for kind in (Kind.WHOLE, Kind.UNIT, Kind.AMOUNT, Kind.SHIPPING, Kind.LOST)),
    *((kind, False) for kind in (Kind.WHOLE, Kind.UNIT, Kind.AMOUNT, Kind.SHIPPING, Kind.LOST)),
    *((kind, True) for kind in (Kind.RETRIED, Kind.WON)),
    *((kind, False) for kind in (Kind.BY_HAND, Kind.WON)),
)


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """`early`: as soon as the order is paid, else once it is completed and its vendors have their money.

    `amount` is what of the good's line goes back (its price for a unit), in minor units; 0 for kinds that take everything.
    """

    order: Recorded
    kind: Kind
    early: bool
    good: Good | None = None
    amount: int = 0


class Troubles(msgspec.Struct, frozen=True):
    """By order id; `after` has the orders that wait until a debt of their vendor is made, and the order it is made by."""

    of: dict[str, Trouble]
    after: dict[str, str]


def plan(orders: Sequence[Recorded], percent: int, seed: int) -> Troubles:
    """Trouble for `percent` of the orders, every kind in turn as far as there are orders that it fits."""
    chance = random.Random(f"trouble {seed}")  # noqa: S311 - not for secrets: a run can be repeated
    wanted = len(orders) * percent // 100
    found: dict[str, Trouble] = {}
    after: dict[str, str] = {}
    if wanted:
        for first, last in _pairs(orders, chance, -(-wanted // DEBTS_PER_TROUBLE)):
            found[first.id] = Trouble(order=first, kind=Kind.DEBT, early=False)
            after[last.id] = first.id
    left = [order for order in orders if order.id not in found and order.id not in after]
    chance.shuffle(left)
    for number in range(wanted - len(found)):
        kind, early = _IN_TURN[number % len(_IN_TURN)]
        trouble = next((made for order in left if (made := _fitting(order, kind, chance, early=early))), None)
        if trouble is not None:
            found[trouble.order.id] = trouble
            left.remove(trouble.order)
    return Troubles(found, after)


def _pairs(orders: Sequence[Recorded], chance: random.Random, count: int) -> Iterator[tuple[Recorded, Recorded]]:
    """The first and the last order of vendors that have several to themselves."""
    own: dict[str, list[Recorded]] = {}
    for order in orders:
        if len(vendors := {good.vendor for good in order.units}) == 1:
            own.setdefault(vendors.pop(), []).append(order)
    several = [alone for alone in own.values() if len(alone) > 1]
    chance.shuffle(several)
    yield from ((alone[0], alone[-1]) for alone in several[:count])


def _fitting(order: Recorded, kind: Kind, chance: random.Random, *, early: bool) -> Trouble | None:
    """The trouble of that kind with this order; None if it has nothing that could go wrong so."""
    trouble = Trouble(order=order, kind=kind, early=early)
    if kind in FAILING:
        return trouble if len({good.vendor for good in order.units}) == 1 else None
    if kind not in {Kind.UNIT, Kind.AMOUNT, Kind.SHIPPING}:
        return trouble
    vendors = [good.vendor for good in order.units]
    for good, units in order.units.items():
        if vendors.count(good.vendor) > 1:
            continue  # how a commission falls on several lines is the hub's own affair: nothing is assumed of it here
        if kind is Kind.UNIT and units > 1:
            return msgspec.structs.replace(trouble, good=good, amount=good.price)
        if kind is Kind.AMOUNT and good.price * units > 1:
            return msgspec.structs.replace(trouble, good=good, amount=chance.randrange(1, good.price * units))
        if kind is Kind.SHIPPING and good.freight:
            return msgspec.structs.replace(trouble, good=good, amount=good.freight * units)
    return None
