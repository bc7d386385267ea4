"""How well vendors keep what they promised, as figures: each a count of parts among others, so that every one of them can be shown."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import ceil
from typing import Literal, NamedTuple

import msgspec

Unit = Literal["bps", "seconds", "letters"]
"""Hundredths of a percent; seconds; dead letters."""

Lapse = Literal["declined", "no_answer", "canceled_by_vendor"]
"""What a vendor did not do with a part that was its own to fulfill."""

_NOT_GONE = frozenset({"accepted", "recalling"})


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-order as far as figures ask; `sold` and `refunded` (of that) in minor units of `currency`."""

    id: str
    order_id: str
    state: str
    currency: str
    lapse: Lapse | None = None
    routed_at: datetime | None = None
    accepted_at: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    sold: int = 0
    refunded: int = 0


def _late(by: datetime | None, done_at: datetime | None, now: datetime, *, awaited: bool) -> bool:
    """Whether it was done after its time, or is awaited still."""
    return by is not None and (by < done_at if done_at is not None else awaited and by < now)


def shipped_late(part: Part, now: datetime) -> bool:
    """Whether it left late, or is still here though its time is over."""
    return _late(part.ship_by, part.shipped_at, now, awaited=part.state in _NOT_GONE)


def delivered_late(part: Part, now: datetime) -> bool:
    """Whether it arrived late, or is on the road though its time is over."""
    return _late(part.deliver_by, part.delivered_at, now, awaited=part.state == "shipped")


COUNTS: Mapping[str, Callable[[Part, datetime], bool]] = {
    "accepted": lambda part, _: part.accepted_at is not None,
    "declined": lambda part, _: part.lapse == "declined",
    "unanswered": lambda part, _: part.lapse == "no_answer",
    "answered": lambda part, _: part.accepted_at is not None or part.lapse in {"declined", "no_answer"},
    "canceled": lambda part, _: part.lapse == "canceled_by_vendor",
    "shipped": lambda part, _: part.shipped_at is not None,
    "to_ship": lambda part, now: part.shipped_at is not None or shipped_late(part, now),
    "shipped_late": shipped_late,
    "to_deliver": lambda part, now: part.delivered_at is not None or delivered_late(part, now),
    "delivered_late": delivered_late,
    "refunded": lambda part, _: part.shipped_at is not None and part.refunded > 0,
}
"""What is counted: which parts of a vendor, at a moment."""


class Rate(NamedTuple):
    """So many parts (a name of `COUNTS`) among so many, in words."""

    of: str
    among: str
    says: str


RATES: Mapping[str, Rate] = {
    "acceptance_rate": Rate("accepted", "answered", "accepted, of those accepted, declined or left without an answer"),
    "decline_rate": Rate("declined", "answered", "declined by the vendor, of the same"),
    "no_answer_rate": Rate("unanswered", "answered", "declined by time, for the vendor was silent, of the same"),
    "cancellation_rate": Rate("canceled", "accepted", "accepted, and then not sent by the vendor or not in time, of those accepted"),
    "late_shipment_rate": Rate("shipped_late", "to_ship", "shipped later than promised, or still not, of those shipped or overdue"),
    "late_delivery_rate": Rate(
        "delivered_late", "to_deliver", "delivered later than promised, or still not, of those delivered or overdue"
    ),
    "refund_rate": Rate("refunded", "shipped", "of which something was given back, of those shipped"),
}
TIMES: Mapping[str, float] = {"acceptance_seconds_median": 0.5, "acceptance_seconds_p90": 0.9}
"""Of the times that a vendor took to accept: within which so many were accepted."""
LETTERS = "open_dead_letters"
FIGURES: Mapping[str, str] = {
    **{name: rate.says for name, rate in RATES.items()},
    **{name: f"within which {share:.0%} of the accepted were accepted, to two digits" for name, share in TIMES.items()},
    LETTERS: "dead letters of the vendor that nobody has settled, by the day on which they were written",
}
"""Every figure, and what it says. All are of the parts that were placed in the period."""

BEHIND: Mapping[str, str] = {**{name: rate.of for name, rate in RATES.items()}, **dict.fromkeys(TIMES, "accepted")}
"""Which count's parts stand behind a figure."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of some parts (`counts`: see `COUNTS`), each by name.

    `sold` and `refunded` are amounts in minor units by currency, of what was shipped; `acceptance_seconds` says how often it took
    so long to accept.
    """

    counts: dict[str, int] = {}
    sold: dict[str, int] = {}
    refunded: dict[str, int] = {}
    acceptance_seconds: dict[str, int] = {}

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            counts=_sum(self.counts, other.counts),
            sold=_sum(self.sold, other.sold),
            refunded=_sum(self.refunded, other.refunded),
            acceptance_seconds=_sum(self.acceptance_seconds, other.acceptance_seconds),
        )

    def count(self, name: str) -> int:
        """How many are counted under a name of `COUNTS`."""
        return self.counts.get(name, 0)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def tally(parts: Iterable[Part], now: datetime) -> Tally:
    """Count parts as they stand at `now`."""
    counts, sold, refunded, times = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for part in parts:
        counts.update(name for name, counted in COUNTS.items() if counted(part, now))
        if part.shipped_at is not None:
            sold[part.currency] += part.sold
            refunded[part.currency] += part.refunded
        if part.accepted_at is not None and part.routed_at is not None:
            times[str(two_digits((part.accepted_at - part.routed_at).total_seconds()))] += 1
    return Tally(counts=dict(counts), sold=dict(+sold), refunded=dict(+refunded), acceptance_seconds=dict(times))


def two_digits(seconds: float) -> int:
    """Whole seconds, rounded to two significant digits, so that the times of any number of orders are a few numbers."""
    whole = max(0, round(seconds))
    step = 10 ** max(0, len(str(whole)) - 2)
    return round(whole / step) * step


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `value` is null where there is nothing to count; `of` so many `among` so many parts."""

    value: int | None
    unit: Unit
    of: int
    among: int


def figures(counted: Tally, letters: int) -> dict[str, Figure]:
    """Every figure of what was counted, by name."""
    found = {name: _rate(counted.count(rate.of), counted.count(rate.among)) for name, rate in RATES.items()}
    for name, share in TIMES.items():
        value = within(counted.acceptance_seconds, share)
        found[name] = Figure(value=value, unit="seconds", of=counted.count("accepted"), among=counted.count("accepted"))
    return found | {LETTERS: Figure(value=letters, unit="letters", of=letters, among=counted.count("answered"))}


def within(times: Mapping[str, int], share: float) -> int | None:
    """The shortest time within which that share lies (nearest rank); None of nothing."""
    rank = ceil(share * sum(times.values()))
    for seconds, often in sorted((int(text), often) for text, often in times.items()):
        rank -= often
        if rank <= 0:
            return seconds
    return None


def _rate(of: int, among: int) -> Figure:
    return Figure(value=of * 10_000 // among if among else None, unit="bps", of=of, among=among)
