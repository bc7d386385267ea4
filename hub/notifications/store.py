"""The only reader and writer of events, their deliveries, each attempt, and replays; claiming is in `claim`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, or_, select, text, update

from hub.kernel.errors import NotFound
from hub.notifications.kinds import Bodies
from hub.notifications.model import AttemptView, DeliveryState, DeliveryView, DeliveryWithAttempts, EventType, ReplayView
from hub.notifications.tables import webhook_attempts, webhook_deliveries, webhook_endpoints, webhook_events, webhook_replays
from hub.runtime.database import Tx

_ev, _d, _a, _r = webhook_events.c, webhook_deliveries.c, webhook_attempts.c, webhook_replays.c
_DELIVERY = [_d[name] for name in DeliveryView.__struct_fields__]
_ATTEMPT = [_a[name] for name in AttemptView.__struct_fields__]
_REPLAY = [_r[name] for name in ReplayView.__struct_fields__]

FORGET_AT_ONCE = 5_000


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a vendor is told; `position` orders those of one `key`."""

    vendor: str
    type: EventType
    key: str
    position: int
    occurred_at: datetime
    bodies: Bodies


_ADD_EVENT, _ADD_DELIVERY = insert(webhook_events), insert(webhook_deliveries)


async def add(tx: Tx, new: NewEvent, endpoints: Sequence[tuple[str, bool]]) -> list[str]:
    """An event, and its deliveries to these endpoints; to those that are not enabled it has failed already. The deliveries' ids."""
    event_id = tx.ids.new("evt")
    event = {"id": event_id, "vendor": new.vendor, "type": new.type, "occurred_at": new.occurred_at}
    await tx.execute(_ADD_EVENT, event | {"thin": new.bodies.thin, "full": new.bodies.full})
    added: list[str] = []
    for endpoint_id, enabled in endpoints:
        row: dict[str, Any] = {"id": tx.ids.new("whd"), "event_id": event_id, "endpoint_id": endpoint_id, "vendor": new.vendor}
        row |= {"type": new.type, "key": new.key, "position": new.position}
        if not enabled:
            row |= {"state": "failed", "reason": "endpoint_disabled", "ended_at": new.occurred_at}
        await tx.execute(_ADD_DELIVERY, row)
        added.append(row["id"])
    return added


async def get(tx: Tx, delivery_id: str, *, vendor: str | None = None) -> DeliveryView:
    """One delivery, of `vendor` if one is named. Raises `NotFound` (``unknown_delivery``)."""
    found = await tx.one(select(*_DELIVERY).where(_d.id == delivery_id), DeliveryView)
    if found is None or vendor not in {None, found.vendor}:
        raise NotFound("unknown_delivery", f"no delivery {delivery_id}")
    return found


async def inspect(tx: Tx, delivery_id: str, *, vendor: str | None = None) -> DeliveryWithAttempts:
    """One delivery with its body and attempts. Raises `NotFound` (``unknown_delivery``)."""
    delivery = await get(tx, delivery_id, vendor=vendor)
    payload = select(webhook_endpoints.c.payload).where(webhook_endpoints.c.id == delivery.endpoint_id).scalar_subquery()
    body = await tx.row(select(_ev.thin, _ev.full, payload.label("payload")).where(_ev.id == delivery.event_id))
    assert body is not None, "a delivery has both"
    attempts = await tx.all(select(*_ATTEMPT).where(_a.delivery_id == delivery_id).order_by(_a.number), AttemptView)
    sent = body.full if body.payload == "full" and body.full is not None else body.thin
    return DeliveryWithAttempts(delivery=delivery, body=sent.decode(), attempts=attempts)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are wanted."""

    vendor: str | None = None
    endpoint_id: str | None = None
    state: DeliveryState | None = None
    type: EventType | None = None


async def browse(tx: Tx, wanted: Filter, *, after: str | None, limit: int) -> list[DeliveryView]:
    """Deliveries, newest first."""
    conditions: list[ColumnElement[bool]] = [
        _d[name] == value for name in Filter.__struct_fields__ if (value := getattr(wanted, name)) is not None
    ]
    if after is not None:
        conditions.append(_d.id < after)
    return await tx.all(select(*_DELIVERY).where(*conditions).order_by(_d.id.desc()).limit(limit), DeliveryView)


_FAIL_ALL = (
    update(webhook_deliveries)
    .where(_d.endpoint_id == bindparam("endpoint"), _d.state == "pending")
    .values(state="failed", ended_at=func.now(), leased_until=None)
)
_AFRESH = update(webhook_deliveries).values(state="pending", reason="", step=0, due_at=func.now(), leased_until=None, ended_at=None)


async def fail_all(tx: Tx, endpoint_id: str, reason: str) -> None:
    """What is pending for an endpoint is not to be."""
    await tx.execute(_FAIL_ALL, {"endpoint": endpoint_id, "reason": reason})


async def again(tx: Tx, delivery_id: str) -> DeliveryView:
    """Begin it anew, whatever became of it."""
    await tx.execute(_AFRESH.where(_d.id == delivery_id))
    return await get(tx, delivery_id)


async def add_replay(tx: Tx, endpoint_id: str, vendor: str, since: datetime) -> str | None:
    """A replay to be worked off; None if the endpoint has one."""
    open_one = select(_r.id).where(_r.endpoint_id == endpoint_id, _r.done_at.is_(None))
    if await tx.scalar(open_one) is not None:
        return None
    replay_id = tx.ids.new("whr")
    await tx.execute(insert(webhook_replays), {"id": replay_id, "endpoint_id": endpoint_id, "vendor": vendor, "since": since})
    return replay_id


async def replay(tx: Tx, replay_id: str, *, vendor: str) -> ReplayView:
    """How far a replay is. Raises `NotFound` (``unknown_replay``)."""
    found = await tx.one(select(*_REPLAY).where(_r.id == replay_id, _r.vendor == vendor), ReplayView)
    if found is None:
        raise NotFound("unknown_replay", f"no replay {replay_id}")
    return found


REPLAY = text("""
WITH job AS (
    SELECT id, endpoint_id, since, after, created_at FROM webhook_replays WHERE done_at IS NULL ORDER BY id LIMIT 1
    FOR UPDATE SKIP LOCKED
), batch AS (
    SELECT d.id FROM job JOIN webhook_deliveries d ON d.endpoint_id = job.endpoint_id
    JOIN webhook_endpoints e ON e.id = job.endpoint_id AND e.state = 'enabled'
    WHERE d.id > job.after AND d.state = 'failed' AND d.created_at >= job.since AND d.created_at < job.created_at
    ORDER BY d.id LIMIT :most FOR UPDATE OF d
), fresh AS (
    UPDATE webhook_deliveries d
    SET state = 'pending', reason = '', step = 0, due_at = now(), leased_until = NULL, ended_at = NULL
    FROM batch WHERE d.id = batch.id RETURNING d.id
)
UPDATE webhook_replays r SET
    replayed = replayed + (SELECT count(*) FROM fresh),
    after = coalesce((SELECT max(id) FROM fresh), r.after),
    done_at = CASE WHEN (SELECT count(*) FROM fresh) < :most THEN now() END
FROM job WHERE r.id = job.id RETURNING r.id
""")
"""A part of the oldest replay that nobody is at: what failed before it was asked for, in the order in which it was made."""


async def work_off(tx: Tx, *, most: int) -> bool:
    """Do a part of a replay; whether there was one."""
    return await tx.scalar(REPLAY, {"most": most}) is not None


async def forget_old(tx: Tx, keep_days: float) -> int:
    """Drop what was made long ago with its attempts, and replays; the number of deliveries. What may still be sent is kept."""
    old = func.now() - func.make_interval(0, 0, 0, 0, round(keep_days * 24))
    removed = select(webhook_endpoints.c.id).where(webhook_endpoints.c.state == "removed")
    over = or_(_d.state != "pending", _d.endpoint_id.in_(removed))
    ended = select(_d.id).where(_d.created_at < old, over).order_by(_d.id).limit(FORGET_AT_ONCE)
    gone = [row.id for row in await tx.rows(ended)]
    if gone:
        await tx.execute(delete(webhook_attempts).where(_a.delivery_id.in_(gone)))
        await tx.execute(delete(webhook_deliveries).where(_d.id.in_(gone)))
    await tx.execute(delete(webhook_events).where(_ev.created_at < old, ~exists().where(_d.event_id == _ev.id)))
    await tx.execute(delete(webhook_replays).where(_r.done_at < old))
    return len(gone)


STANDING = text("""
SELECT count(*) FILTER (WHERE leased_until > now()) AS sending,
    count(*) FILTER (WHERE due_at <= now()) AS due,
    count(*) FILTER (WHERE due_at > now() AND leased_until IS NULL) AS later,
    coalesce(extract(epoch FROM now() - min(created_at)), 0) AS oldest_seconds,
    (SELECT last_value FROM timeline_seq_seq) - (SELECT seq FROM webhook_cursors WHERE name = 'timeline') AS behind
FROM webhook_deliveries WHERE state = 'pending'
""")
ENDPOINTS = text("""
SELECT CASE WHEN state = 'enabled' AND failing_since IS NOT NULL THEN 'failing' ELSE state END AS standing, count(*) AS number
FROM webhook_endpoints WHERE state <> 'removed' GROUP BY 1 ORDER BY 1
""")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is pending now, and how old the oldest is; `behind`: how many moments of the timeline nobody has followed yet."""

    sending: int
    due: int
    later: int
    oldest_seconds: float
    behind: int


async def standing(tx: Tx) -> Standing:
    """How it goes."""
    (row,) = await tx.rows(STANDING)
    return msgspec.convert(row, Standing, from_attributes=True, strict=False)


async def endpoints_by_standing(tx: Tx) -> dict[str, int]:
    """How many endpoints are ``enabled`` and well, ``failing``, ``disabled``."""
    return {row.standing: row.number for row in await tx.rows(ENDPOINTS)}
