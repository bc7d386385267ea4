"""How you stand: promises, scorecard, terms, account, the health of your spoke, and what it could not do."""

from datetime import date, datetime
from typing import Any

import msgspec

from vendor_sdk.client.answers import Answer, Moment, Money


class Promise(Answer, frozen=True):
    """One promise as it is in force; `seconds` are elapsed or working time (`counts`)."""

    seconds: float
    counts: str
    reminders: list[float]
    escalation: float
    at_end: str


class Promises(Answer, frozen=True):
    """All of them; working time is that of `calendar`."""

    calendar: dict[str, Any] | None
    acceptance: Promise
    shipping: Promise
    delivery: Promise


class OwnPromises(Answer, frozen=True):
    """What you promised (`own`, the rest is ours), and what is in force."""

    vendor: str
    version: int
    own: dict[str, Any]
    in_force: Promises


class Figure(Answer, frozen=True):
    """One figure of a scorecard: `of` among `among`, in basis points, seconds or letters; null while there is too little."""

    value: int | None
    unit: str
    of: int
    among: int
    says: str


class Scorecard(Answer, frozen=True):
    """How well you kept what you promised, over so many days."""

    vendor: str
    days: int
    since: date
    until: date
    figures: dict[str, Figure]
    sold: list[Money]
    refunded: list[Money]
    counting: bool


class OrderBehind(Answer, frozen=True):
    """An order, or a letter, that a figure counts."""

    order_id: str | None
    state: str
    sub_order_id: str | None = None
    letter_id: str | None = None
    lapse: str | None = None
    routed_at: datetime | None = None
    accepted_at: datetime | None = None
    ship_by: datetime | None = None
    shipped_at: datetime | None = None
    deliver_by: datetime | None = None
    delivered_at: datetime | None = None


class Terms(Answer, frozen=True):
    """Of hold, reserve, payouts and disputes: what was agreed with you (`own`), and what is in force."""

    vendor: str
    version: int
    own: dict[str, Any]
    in_force: dict[str, Any]
    bank_account: dict[str, Any] | None


class Account(Answer, frozen=True):
    """Your account with the payment provider; `due` is what it still wants to know."""

    state: str
    may_receive: bool
    may_pay_out: bool
    due: list[str]
    reason: str
    seen_at: datetime | None


class OnboardingLink(Answer, frozen=True):
    """Good for one visit within minutes."""

    url: str
    made_at: datetime


class Liveness(Answer, frozen=True):
    """How your spoke is; `health` is null if you have none."""

    vendor: str
    health: str | None = None
    since: datetime | None = None
    seen_at: datetime | None = None
    sdk_version: str = ""
    breakers: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    in_flight: int = 0
    busy: bool = False
    oldest_seconds: float = 0.0


class Letter(Answer, frozen=True):
    """What your system could not do, and what became of it."""

    id: str
    version: int
    state: str
    kind: str
    reason: str
    detail: str
    fingerprint: str
    attempts: int
    times: int
    subject_id: str | None
    payload: str
    resolution: str | None
    created_at: datetime
    last_at: datetime
    failures: list[Moment]
