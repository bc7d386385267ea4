"""Owns what must come out in the end, computed from the files alone and not with the hub's own arithmetic."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from hub.replay.files import Good, Recorded

BPS = Decimal(10_000)


class Expected(msgspec.Struct, frozen=True):
    """Sums in minor units; `shares` is what each vendor (by its id in the files) is paid in all."""

    captured: int
    commission: int
    shares: dict[str, int]
    sub_orders: int
    units: int

    @property
    def transferred(self) -> int:
        """What all vendors are paid."""
        return sum(self.shares.values())


def expect(orders: Sequence[Recorded], commission_bps: int) -> Expected:
    """Commission is taken of each sub-order's goods, not of its freight, and rounded half up there."""
    commission, sub_orders = 0, 0
    shares: Counter[str] = Counter()
    for order in orders:
        for vendor, own in _by_vendor(order).items():
            goods = sum(good.price * count for good, count in own.items())
            freight = sum(good.freight * count for good, count in own.items())
            ours = int((goods * commission_bps / BPS).to_integral_value(ROUND_HALF_UP))
            commission += ours
            shares[vendor] += goods + freight - ours
            sub_orders += 1
    return Expected(
        captured=sum(order.total for order in orders),
        commission=commission,
        shares=dict(shares),
        sub_orders=sub_orders,
        units=sum(sum(order.units.values()) for order in orders),
    )


def _by_vendor(order: Recorded) -> dict[str, dict[Good, int]]:
    parts: defaultdict[str, dict[Good, int]] = defaultdict(dict)
    for good, count in order.units.items():
        parts[good.vendor][good] = count
    return parts
