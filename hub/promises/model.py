"""What vendors promise: by when they accept, ship and deliver, what happens on the way there, and what at its end."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.kernel.errors import Invalid
from hub.promises.calendar import Calendar
from hub.promises.calendar import check as check_calendar

PromiseName = Literal["acceptance", "shipping", "delivery"]
PROMISES: tuple[PromiseName, ...] = get_args(PromiseName)

Counts = Literal["elapsed", "working"]
"""Whether all time counts, or only that in which the vendor works."""

AtEnd = Literal["decline", "escalate", "cancel"]
"""What is done when a promise is broken: the part is declined for the vendor, an operator is told, or the part is canceled."""

ENDS: Mapping[PromiseName, tuple[AtEnd, ...]] = {
    "acceptance": ("decline",),
    "shipping": ("escalate", "cancel"),
    "delivery": ("escalate",),
}
"""What may be done at whose end; the first where nothing is said."""

LONGEST: Mapping[PromiseName, timedelta] = {
    "acceptance": timedelta(days=30),
    "shipping": timedelta(days=180),
    "delivery": timedelta(days=180),
}
"""However a vendor's calendar is, no promise ends later than so long after it was given."""

Share = Annotated[float, Meta(gt=0, lt=1, description="of the promised time, as in 0.5")]
Whole = Annotated[float, Meta(gt=0, le=1, description="of the promised time; 1 is its end")]
PromisedSeconds = Annotated[int, Meta(ge=1, le=180 * 86_400)]
REMINDERS_MAX = 5
WEEK_SECONDS = 7 * 86_400


class OwnPromise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promise as a vendor, or the marketplace, gives it; null is as the level above has it.

    The vendor is reminded at each of `reminders`, and an operator is told at `escalation`, if the answer is still awaited.
    """

    seconds: PromisedSeconds | None = None
    counts: Counts | None = None
    reminders: Annotated[list[Share], Meta(max_length=REMINDERS_MAX)] | None = None
    escalation: Whole | None = None
    at_end: AtEnd | None = None


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that holds; see `OwnPromise`."""

    seconds: float
    counts: Counts
    reminders: list[float]
    escalation: float
    at_end: AtEnd


class OwnPromises(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's own contract says; null is as the marketplace has it."""

    calendar: Calendar | None = None
    acceptance: OwnPromise | None = None
    shipping: OwnPromise | None = None
    delivery: OwnPromise | None = None


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a vendor. Without a calendar it always works."""

    calendar: Calendar | None
    acceptance: Promise
    shipping: Promise
    delivery: Promise

    def of(self, name: PromiseName) -> Promise:
        """One of them."""
        promise: Promise = getattr(self, name)
        return promise


class PromisesChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change: a field left out stays, null puts back what the marketplace has."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    calendar: Calendar | UnsetType | None = UNSET
    acceptance: OwnPromise | UnsetType | None = UNSET
    shipping: OwnPromise | UnsetType | None = UNSET
    delivery: OwnPromise | UnsetType | None = UNSET


class VendorPromises(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's promises as it and operators see them."""

    vendor: str
    version: int
    own: OwnPromises
    in_force: Promises


def in_force(own: OwnPromises, ours: OwnPromises, seconds: Mapping[PromiseName, float]) -> Promises:
    """A vendor's own promises where it has some, the marketplace's for the rest; `seconds` where neither says how long."""
    found = {name: _merged(name, getattr(own, name), getattr(ours, name), seconds[name]) for name in PROMISES}
    return Promises(calendar=own.calendar or ours.calendar, **found)


def _merged(name: PromiseName, own: OwnPromise | None, ours: OwnPromise | None, seconds: float) -> Promise:
    said: dict[str, object] = {"seconds": seconds, "counts": "elapsed", "reminders": [], "escalation": 1.0, "at_end": ENDS[name][0]}
    for each in (ours, own):
        if each is not None:
            said |= {field: value for field, value in msgspec.structs.asdict(each).items() if value is not None}
    return msgspec.convert(said, Promise, strict=False)


def check(promises: Promises, field: str = "") -> None:
    """Raises `Invalid` for what a field alone cannot tell, naming it below `field`.

    ``promise_end_invalid``, ``reminders_invalid``, ``calendar_missing``, ``promise_too_long`` and those of calendars.
    """
    if promises.calendar is not None:
        check_calendar(promises.calendar, f"{field}/calendar")
    for name in PROMISES:
        _check(promises.of(name), name, promises.calendar, f"{field}/{name}")


def _check(promise: Promise, name: PromiseName, calendar: Calendar | None, field: str) -> None:
    if promise.at_end not in ENDS[name]:
        allowed = " or ".join(ENDS[name])
        raise Invalid("promise_end_invalid", f"at the end of {name} it is {allowed}", field=f"{field}/at_end")
    if sorted(set(promise.reminders)) != promise.reminders:
        raise Invalid("reminders_invalid", "reminders are in order, each once", field=f"{field}/reminders")
    if promise.counts == "working" and calendar is None:
        raise Invalid("calendar_missing", "working time needs a calendar", field=f"{field}/counts")
    open_share = calendar.weekly_seconds / WEEK_SECONDS if promise.counts == "working" and calendar is not None else 1
    if promise.seconds > LONGEST[name].total_seconds() * open_share:
        raise Invalid("promise_too_long", f"that takes more than {LONGEST[name].days} days", field=f"{field}/seconds")
