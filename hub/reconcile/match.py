"""Which movement at a provider is which of our postings: pure, to the cent, in whatever order either side comes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from hub.payments.facts import Movement


class Mismatch(StrEnum):
    """What is wrong between us and a provider."""

    UNBOOKED = "unbooked"
    """The provider moved money that we know nothing of."""
    DOUBLE = "double"
    """The provider moved money once more for what we booked once."""
    AMOUNT = "amount_differs"
    FEE = "fee_differs"
    CURRENCY = "currency_differs"
    MISSING = "missing_at_provider"
    """We booked what the provider never moved."""
    BOOKED_TWICE = "booked_twice"
    """We booked once more what the provider moved once."""
    NO_REFERENCE = "no_reference"
    """We booked something that names nothing at the provider, so nothing there can prove it."""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What one of our transactions says of a provider's balance: `net` = `amount` - `fee`, signed, minor units."""

    id: str
    kind: str
    reference: str | None
    amount: int
    fee: int
    currency: str
    at: datetime

    @property
    def net(self) -> int:
        """By how much our money at the provider grew."""
        return self.amount - self.fee


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A movement and the booking of the same thing; `problem` is None if they agree to the cent."""

    movement: Movement
    booking: Booking
    problem: Mismatch | None = None

    @property
    def missing(self) -> int:
        """What our books lack of it, signed, in the movement's currency."""
        return self.movement.net - (self.booking.net if self.booking.currency == self.movement.currency else 0)


class Lone(msgspec.Struct, frozen=True, kw_only=True):
    """A movement that nothing of ours stands for."""

    movement: Movement
    problem: Mismatch


class Orphan(msgspec.Struct, frozen=True, kw_only=True):
    """A booking that nothing at the provider stands for."""

    booking: Booking
    problem: Mismatch


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """Every movement and every booking that was not paired before stands here exactly once."""

    pairs: list[Pair]
    lone: list[Lone]
    orphans: list[Orphan]


Key = tuple[str, bool]


def match(movements: Iterable[Movement], bookings: Iterable[Booking], paired: Collection[str] = frozenset()) -> Matching:
    """Pair what names the same thing and moves money the same way; what agrees wholly comes first.

    A booking's reference is the movement's source (``re_…``) or the movement itself (``txn_…``). A payout and its return
    have one source and opposite signs. `paired` are the bookings whose movement is known from before: they take none, but
    tell a second movement for the same thing from an unknown one.
    """
    free = sorted(movements, key=lambda movement: (movement.at, movement.id))
    ours = sorted(bookings, key=lambda booking: (booking.at, booking.id))
    by_key: dict[Key, list[Booking]] = defaultdict(list)
    for booking in ours:
        if booking.reference is not None:
            by_key[booking.reference, _comes_in(booking)].append(booking)
    taken = set(paired)
    pairs: list[Pair] = []
    for agree in (_agree_wholly, _same_currency, _anything):
        left: list[Movement] = []
        for movement in free:
            booking = next((each for each in _named(by_key, movement) if each.id not in taken and agree(movement, each)), None)
            if booking is None:
                left.append(movement)
                continue
            taken.add(booking.id)
            pairs.append(Pair(movement=movement, booking=booking, problem=_problem(movement, booking)))
        free = left
    moved = {key for pair in pairs for key in _keys(pair.movement)}
    moved |= {(booking.reference, _comes_in(booking)) for booking in ours if booking.id in paired and booking.reference is not None}
    return Matching(
        pairs=pairs,
        lone=[Lone(movement=each, problem=Mismatch.DOUBLE if any(_named(by_key, each)) else Mismatch.UNBOOKED) for each in free],
        orphans=[Orphan(booking=each, problem=_why_orphan(each, moved)) for each in ours if each.id not in taken],
    )


def annulled(bookings: Iterable[Booking]) -> set[str]:
    """The ids of bookings of one thing that undo each other: it was booked when it was ordered, and then never happened."""
    open_: dict[tuple[str, str, int, int], list[Booking]] = defaultdict(list)
    found: set[str] = set()
    for booking in sorted(bookings, key=lambda each: (each.at, each.id)):
        if booking.reference is None:
            continue
        opposite = open_[booking.reference, booking.currency, -booking.amount, -booking.fee]
        if opposite:
            found |= {booking.id, opposite.pop(0).id}
        else:
            open_[booking.reference, booking.currency, booking.amount, booking.fee].append(booking)
    return found


def _comes_in(side: Movement | Booking) -> bool:
    return (side.amount or side.net) >= 0


def _keys(movement: Movement) -> Sequence[Key]:
    names = (movement.id,) if movement.source is None else (movement.source, movement.id)
    return [(name, _comes_in(movement)) for name in names]


def _named(by_key: dict[Key, list[Booking]], movement: Movement) -> Iterator[Booking]:
    return (booking for key in _keys(movement) for booking in by_key.get(key, ()))


def _agree_wholly(movement: Movement, booking: Booking) -> bool:
    return _problem(movement, booking) is None


def _same_currency(movement: Movement, booking: Booking) -> bool:
    return movement.currency == booking.currency


def _anything(_: Movement, __: Booking) -> bool:
    return True


def _problem(movement: Movement, booking: Booking) -> Mismatch | None:
    if movement.currency != booking.currency:
        return Mismatch.CURRENCY
    if movement.amount != booking.amount:
        return Mismatch.AMOUNT
    return Mismatch.FEE if movement.fee != booking.fee else None


def _why_orphan(booking: Booking, moved: Collection[tuple[str | None, bool]]) -> Mismatch:
    if booking.reference is None:
        return Mismatch.NO_REFERENCE
    return Mismatch.BOOKED_TWICE if (booking.reference, _comes_in(booking)) in moved else Mismatch.MISSING
