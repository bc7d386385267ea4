"""Owns what must come out in the end, computed from the files and the planned troubles, not with the hub's own arithmetic."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

import msgspec

from hub.replay.files import Good, Recorded
from hub.replay.trouble import DISPUTES, FAILING, Kind, Trouble

BPS = Decimal(10_000)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Sums in minor units, after everything that went back.

    `shares` is what each vendor (by its id in the files) keeps in all, `refunded` what buyers got back of each order (by its
    id there), `by_hand` the part of that which came from our own bank, `disputed` what lost disputes took, `borne` of how many sub-orders.
    """

    captured: int
    commission: int
    shares: dict[str, int]
    sub_orders: int
    units: int
    refunded: dict[str, int] = {}
    refunds: int = 0
    failed: int = 0
    by_hand: int = 0
    disputed: int = 0
    borne: int = 0
    won: int = 0
    lost: int = 0

    @property
    def transferred(self) -> int:
        """What all vendors keep."""
        return sum(self.shares.values())


class _Sums(msgspec.Struct):
    commission: int = 0
    sub_orders: int = 0
    disputed: int = 0
    borne: int = 0
    refunds: int = 0
    by_hand: int = 0
    shares: Counter[str] = msgspec.field(default_factory=Counter[str])
    refunded: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    kinds: Counter[Kind] = msgspec.field(default_factory=Counter[Kind])


def expect(orders: Sequence[Recorded], commission_bps: int, troubles: Mapping[str, Trouble] | None = None) -> Expected:
    """Commission is taken of each sub-order's goods, not of its freight, and rounded half up there."""
    sums = _Sums()
    for order in orders:
        parts = _by_vendor(order)
        for vendor, own in parts.items():
            ours = _commission(_goods(own), commission_bps)
            sums.commission += ours
            sums.shares[vendor] += _goods(own) + _freight(own) - ours
            sums.sub_orders += 1
        if (trouble := (troubles or {}).get(order.id)) is not None:
            _go_back(sums, trouble, parts, commission_bps)
    return Expected(
        captured=sum(order.total for order in orders),
        commission=sums.commission,
        shares=dict(sums.shares),
        sub_orders=sums.sub_orders,
        units=sum(sum(order.units.values()) for order in orders),
        refunded=sums.refunded,
        refunds=sums.refunds,
        failed=sum(sums.kinds[kind] for kind in FAILING),
        by_hand=sums.by_hand,
        disputed=sums.disputed,
        borne=sums.borne,
        won=sums.kinds[Kind.WON],
        lost=sums.kinds[Kind.LOST],
    )


def _go_back(sums: _Sums, trouble: Trouble, parts: Mapping[str, Mapping[Good, int]], commission_bps: int) -> None:
    """Of a piece that goes back in part, our commission goes back in proportion, rounded down."""
    order, kind = trouble.order, trouble.kind
    sums.kinds[kind] += 1
    if kind is Kind.WON:
        return
    if trouble.good is None:
        for vendor, own in parts.items():
            ours = _commission(_goods(own), commission_bps)
            _take(sums, vendor, _goods(own) + _freight(own), ours)
    else:
        line = trouble.good.price * order.units[trouble.good]
        ours = 0
        if kind is not Kind.SHIPPING:
            whole = Decimal(_commission(line, commission_bps))
            ours = int((whole * trouble.amount / line).to_integral_value(ROUND_FLOOR))
        _take(sums, trouble.good.vendor, trouble.amount, ours)
    amount, pieces = (order.total, len(parts)) if trouble.good is None else (trouble.amount, 1)
    if kind in DISPUTES:
        sums.disputed += amount
        sums.borne += pieces
        return
    sums.refunded[order.id] = amount
    sums.refunds += pieces
    sums.by_hand += amount if kind is Kind.BY_HAND else 0


def _take(sums: _Sums, vendor: str, amount: int, ours: int) -> None:
    sums.commission -= ours
    sums.shares[vendor] -= amount - ours


def _commission(goods: int, commission_bps: int) -> int:
    return int((goods * commission_bps / BPS).to_integral_value(ROUND_HALF_UP))


def _goods(own: Mapping[Good, int]) -> int:
    return sum(good.price * count for good, count in own.items())


def _freight(own: Mapping[Good, int]) -> int:
    return sum(good.freight * count for good, count in own.items())


def _by_vendor(order: Recorded) -> dict[str, dict[Good, int]]:
    parts: defaultdict[str, dict[Good, int]] = defaultdict(dict)
    for good, count in order.units.items():
        parts[good.vendor][good] = count
    return parts
