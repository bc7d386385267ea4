"""What a run found, for machines and for people; and what to do about each kind of difference."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from hub.reconcile.match import Mismatch

DIFFERENCES_MAX = 500
"""So many are listed; all are counted."""

ADVICE: Mapping[Mismatch, str] = {
    Mismatch.UNBOOKED: "look it up in the provider's dashboard: who made it there? then explain it, naming the account it belongs to",
    Mismatch.DOUBLE: "the provider acted twice for one order of ours: have the second one reversed there, then explain it",
    Mismatch.AMOUNT: "compare the object at the provider with its step here; explain the difference, or adjust what follows from it",
    Mismatch.FEE: "the provider kept another fee than it had said: explain it as processing_fees if it is right",
    Mismatch.CURRENCY: "the provider moved another currency than we booked: have it undone there; nothing here may convert it",
    Mismatch.MISSING: "we booked what the provider never did: look at the transaction's step; do it again or explain it",
    Mismatch.BOOKED_TWICE: "we booked one movement twice: explain the second by the account it was posted to",
    Mismatch.NO_REFERENCE: "a posting without the provider's id cannot be proved: find its movement by amount and time, explain both",
}


class KindTotal(msgspec.Struct, frozen=True, kw_only=True):
    """All movements of one kind in the range, minor units, signed."""

    kind: str
    count: int
    amount: int
    fee: int
    net: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a balance is computed from; see there."""

    gateway: str
    currency: str
    opening: int
    closing: int
    ours: int
    in_flight: int
    suspense: int


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One currency at one provider, minor units: `opening` + the kinds' net = `closing`, which is the provider's word.

    `ours` is what our books say lies there at the end of the range, without what was only put into suspense.
    `difference` = `ours` - `closing` = `in_flight` + `suspense` + `unexplained`; the last must be zero (law I2).
    """

    gateway: str
    currency: str
    opening: int
    kinds: list[KindTotal]
    closing: int
    ours: int
    difference: int
    in_flight: int
    """Booked on one side a moment before the other."""
    suspense: int
    """Known, named below, waiting for an operator."""
    unexplained: int
    """What neither time nor a named difference accounts for."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the two sides do not agree on; `ours` and `theirs` are nets in minor units, None where there is none."""

    gateway: str
    problem: Mismatch
    currency: str
    ours: int | None
    theirs: int | None
    at: datetime
    kind: str
    movement: str | None = None
    booking: str | None = None
    reference: str | None = None
    vendor: str | None = None
    """Whose account it happened on; None for our own."""
    what_to_do: str = ""


class VendorBalance(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's account at a provider whose balance is not what our transfers, reversals and payouts make (law I8)."""

    vendor: str
    gateway: str
    account: str
    currency: str
    ours: int
    theirs: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run found in ``since <= t < until``."""

    since: datetime
    until: datetime
    made_at: datetime
    equal: bool
    """Nothing differs: to the cent, but for what is in flight."""
    balances: list[Balance]
    differences: list[Difference]
    differences_total: int
    vendors_checked: int
    vendor_balances: list[VendorBalance]


def balance(figures: Figures, kinds: list[KindTotal]) -> Balance:
    """Both sides of one currency, and what their difference is made of."""
    difference = figures.ours - figures.closing
    return Balance(
        **msgspec.structs.asdict(figures), kinds=kinds, difference=difference, unexplained=difference - figures.in_flight - figures.suspense
    )


def is_equal(balances: Sequence[Balance], differences: int, vendors: Sequence[VendorBalance]) -> bool:
    """Whether nothing differs."""
    return not differences and not vendors and not any(each.suspense or each.unexplained for each in balances)


def advised(difference: Difference) -> Difference:
    """The difference with what to do about it."""
    return msgspec.structs.replace(difference, what_to_do=ADVICE[difference.problem])
