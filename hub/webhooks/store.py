"""The only reader and writer of provider events.

``new → applied | ignored``, or ``parked`` while what it speaks of is not known to us yet, and at last ``unmatched``.
Claiming an event moves its `due_at` ahead, which is its lease, as with steps.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Float, and_, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.kernel.errors import NotFound
from hub.payments.facts import ProviderEvent
from hub.runtime.database import Tx
from hub.webhooks.tables import provider_cursors, provider_events

State = Literal["new", "parked", "applied", "ignored", "unmatched"]
OPEN = ("new", "parked")

SETTLE_SECONDS = 2.0
"""A provider is often faster than we: what we have just done ourselves is recorded by then."""
LEASE_SECONDS = 60
UNMATCHED_DAYS = 3
"""As long as Stripe itself tries to deliver (docs.stripe.com/webhooks)."""
KEEP_DAYS = 60
"""Longer than Stripe lists events (30 days), so that no sweep finds again what was dropped."""
FIRST_SWEEP_DAYS = 3
SWEEP_LEASE_SECONDS = 600.0
AT_ONCE = 500

_e = provider_events.c
_PLATFORM, _CONNECT = "platform", "connect"


class ProviderEventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event as operators see it. `endpoint` is ``sweep`` for what no webhook brought; `detail` says why it stands as it does."""

    id: str
    gateway: str
    endpoint: str
    kind: str
    subject: str
    account: str | None
    received_at: datetime
    occurred_at: datetime
    state: State
    attempts: int
    due_at: datetime
    detail: str


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """An event to be applied; `late` if it has waited for longer than anything should."""

    id: str
    gateway: str
    kind: str
    subject: str
    account: str | None
    state: State
    attempts: int
    late: bool
    claimed_at: datetime


_VIEW = [_e[name] for name in ProviderEventView.__struct_fields__]


def _seconds(number: Any) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, 0, number)


_KEEP = (
    insert(provider_events)
    .values(occurred_at=func.to_timestamp(bindparam("at", type_=Float)), due_at=func.now() + _seconds(SETTLE_SECONDS))
    .on_conflict_do_nothing()
)


async def keep(tx: Tx, event: ProviderEvent, *, gateway: str, endpoint: str, raw: bytes, headers: dict[str, str]) -> bool:
    """Keep what a webhook brought; False if it is here already."""
    row = {**_said(event, gateway, endpoint), "at": event.at, "raw": raw, "headers": headers}
    return await tx.execute(_KEEP, row) == 1


_c = provider_cursors.c
_LEASE = func.now() + _seconds(SWEEP_LEASE_SECONDS)
_BEGIN_SWEEP = (
    insert(provider_cursors)
    .values(seen_until=func.now() - func.make_interval(0, 0, 0, FIRST_SWEEP_DAYS), due_at=_LEASE)
    .on_conflict_do_update(index_elements=[_c.gateway, _c.stream], set_={"due_at": _LEASE}, where=_c.due_at <= func.now())
    .returning(_c.seen_until)
)
_END_SWEEP = (
    update(provider_cursors)
    .where(_c.gateway == bindparam("of_gateway"), _c.stream == bindparam("of_stream"))
    .values(due_at=func.now() + _seconds(bindparam("rest", type_=Float)))
)
_END_SWEEP_UNTIL = _END_SWEEP.values(seen_until=func.greatest(_c.seen_until, func.to_timestamp(bindparam("until", type_=Float))))


async def begin_sweep(tx: Tx, *, gateway: str, connect: bool) -> int | None:
    """The unix second until which all is known; None if it is not time yet, or if another worker is sweeping."""
    until: datetime | None = await tx.scalar(_BEGIN_SWEEP, {"gateway": gateway, "stream": _stream(connect=connect)})
    return None if until is None else int(until.timestamp())


async def end_sweep(tx: Tx, *, gateway: str, connect: bool, seen_until: int | None, rest: float) -> None:
    """All is known until `seen_until`, a unix second of the provider's clock; sweep again in `rest` seconds."""
    mine = {"of_gateway": gateway, "of_stream": _stream(connect=connect), "rest": rest}
    if seen_until is None:
        await tx.execute(_END_SWEEP, mine)
    else:
        await tx.execute(_END_SWEEP_UNTIL, mine | {"until": seen_until})


_KNOWN = select(_e.id).where(_e.id.in_(bindparam("ids", expanding=True)))


async def keep_swept(tx: Tx, events: Sequence[ProviderEvent], *, gateway: str) -> int:
    """Keep what no webhook brought; the number of new ones. Most are known: what is swept overlaps."""
    fresh = 0
    for start in range(0, len(events), AT_ONCE):
        listed = events[start : start + AT_ONCE]
        known = {row.id for row in await tx.rows(_KNOWN, {"ids": [event.id for event in listed]})}
        for event in listed:
            if event.id not in known:
                fresh += await tx.execute(_KEEP, {**_said(event, gateway, "sweep"), "at": event.at})
    return fresh


CLAIM = text("""
WITH due AS (
    SELECT id FROM provider_events WHERE state IN ('new','parked') AND due_at <= now()
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE provider_events e SET attempts = attempts + 1, due_at = now() + make_interval(secs => :lease)
FROM due WHERE e.id = due.id
RETURNING e.id, gateway, kind, subject, account, state, attempts, received_at < now() - make_interval(days => :days) AS late,
    now() AS claimed_at
""")


async def claim(tx: Tx, limit: int) -> list[Claimed]:
    """Due events, each leased for `LEASE_SECONDS`."""
    return await tx.all(CLAIM, Claimed, {"limit": limit, "lease": LEASE_SECONDS, "days": UNMATCHED_DAYS})


_STILL_OPEN = update(provider_events).where(_e.id.in_(bindparam("ids", expanding=True)), _e.state.in_(OPEN))
_LATER = _STILL_OPEN.values(due_at=func.now() + _seconds(bindparam("seconds", type_=Float)))


async def end(tx: Tx, ids: Sequence[str], state: State, detail: str = "") -> None:
    """Nothing more is to be done about these, unless an operator asks for it."""
    await tx.execute(_STILL_OPEN, {"ids": ids, "state": state, "detail": detail})


async def later(tx: Tx, ids: Sequence[str], state: State, seconds: float, detail: str) -> None:
    """Look again in `seconds`."""
    await tx.execute(_LATER, {"ids": ids, "state": state, "seconds": seconds, "detail": detail})


async def again(tx: Tx, event_id: str) -> ProviderEventView:
    """Apply an event once more, whatever became of it. Raises `NotFound` (``unknown_provider_event``)."""
    fresh = update(provider_events).where(_e.id == event_id)
    detail = f"again, for {tx.actor}"
    found = await tx.one(fresh.values(state="new", attempts=0, due_at=func.now(), detail=detail).returning(*_VIEW), ProviderEventView)
    if found is None:
        raise NotFound("unknown_provider_event", f"no event {event_id}")
    return found


async def get(tx: Tx, event_id: str) -> ProviderEventView:
    """One event. Raises `NotFound` (``unknown_provider_event``)."""
    found = await tx.one(select(*_VIEW).where(_e.id == event_id), ProviderEventView)
    if found is None:
        raise NotFound("unknown_provider_event", f"no event {event_id}")
    return found


async def browse(tx: Tx, *, state: State | None, after: tuple[datetime, str] | None, limit: int) -> list[ProviderEventView]:
    """Events, latest received first, those after the position `after`."""
    query = select(*_VIEW).order_by(_e.received_at.desc(), _e.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_e.state == state)
    if after is not None:
        query = query.where(or_(_e.received_at < after[0], and_(_e.received_at == after[0], _e.id < after[1])))
    return await tx.all(query, ProviderEventView)


async def forget_old(tx: Tx) -> int:
    """Drop what was applied or ignored long ago; the number of dropped."""
    old = _e.received_at < func.now() - func.make_interval(0, 0, 0, KEEP_DAYS)
    return await tx.execute(delete(provider_events).where(old, _e.state.in_(("applied", "ignored"))))


def _stream(*, connect: bool) -> str:
    return _CONNECT if connect else _PLATFORM


def _said(event: ProviderEvent, gateway: str, endpoint: str) -> dict[str, Any]:
    return {
        "id": event.id,
        "gateway": gateway,
        "endpoint": endpoint,
        "kind": event.kind,
        "subject": event.subject,
        "account": event.account,
    }
