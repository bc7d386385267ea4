"""Whose is which cent: commission spread over lines, and what goes back when some of a line does (pure)."""

from collections.abc import Sequence

import msgspec

from vendor_sdk.emulator.model import Line, Part

SHIPPING = "shipping"


class Portion(msgspec.Struct, frozen=True):
    """`paid` by the buyer is the vendor's `share` and our `commission`."""

    paid: int
    commission: int

    @property
    def share(self) -> int:
        """The vendor's."""
        return self.paid - self.commission


def charge(lines: Sequence[Line], bps: int) -> None:
    """Freeze the commission: `bps` hundredths of a percent of the goods, half up, spread by largest remainder."""
    weights = [line.gross for line in lines]
    whole = sum(weights)
    fee = (whole * bps + 5000) // 10000
    parts = [fee * weight // whole if whole else 0 for weight in weights]
    left = sorted(range(len(lines)), key=lambda i: (-(fee * weights[i] % whole) if whole else 0, i))
    for i in left[: fee - sum(parts)]:
        parts[i] += 1
    for line, part in zip(lines, parts, strict=True):
        line.commission = part


def returned(line: Line, refunded: int) -> Portion:
    """What has gone back once `refunded` of a line has: by a cumulative floor, so that steps of any size add up."""
    return Portion(refunded, line.commission * refunded // line.gross if line.gross else 0)


def step(line: Line, refunded: int) -> Portion:
    """What goes back on the way from what was refunded before to `refunded`."""
    before, after = returned(line, line.refunded), returned(line, refunded)
    return Portion(after.paid - before.paid, after.commission - before.commission)


def left_of(part: Part) -> dict[str, int]:
    """What the buyer paid and has not got back, by line and for the shipping."""
    left = {line.id: line.gross - line.refunded for line in part.lines}
    return {**left, SHIPPING: part.shipping_price - part.shipping_refunded}
