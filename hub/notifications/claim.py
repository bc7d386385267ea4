"""Claims deliveries that are due, in line and within each endpoint's bounds, and records what came of them."""

from datetime import datetime

import msgspec
from sqlalchemy import Float, Integer, bindparam, func, insert, text, update

from hub.notifications.rules import Answer, Verdict
from hub.notifications.tables import webhook_attempts, webhook_deliveries, webhook_endpoints
from hub.runtime.database import Tx

LEASE_SLACK_SECONDS = 40.0
"""Beyond the time of an attempt: what it takes to record it. A worker that died is replaced after that."""

CLAIM = text("""
WITH RECURSIVE busy(endpoint_id) AS (
    (SELECT endpoint_id FROM webhook_deliveries WHERE state = 'pending' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhook_deliveries d
            WHERE d.state = 'pending' AND d.endpoint_id > b.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
    FROM busy b WHERE b.endpoint_id IS NOT NULL
), open AS (
    SELECT e.id, e.url, e.payload, (CASE WHEN e.failing_since IS NULL THEN :per_endpoint ELSE 1 END)
        - (SELECT count(*) FROM webhook_deliveries f WHERE f.endpoint_id = e.id AND f.leased_until > now()) AS room
    FROM busy b JOIN webhook_endpoints e ON e.id = b.endpoint_id
    WHERE e.state = 'enabled' AND (e.quiet_until IS NULL OR e.quiet_until <= now())
    ORDER BY random() LIMIT :most
), due AS (
    SELECT claimed.id, open.url, open.payload FROM open CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.endpoint_id = open.id AND d.state = 'pending' AND d.due_at <= now() AND NOT EXISTS (
            SELECT FROM webhook_deliveries first WHERE first.endpoint_id = d.endpoint_id AND first.key = d.key
                AND first.state = 'pending' AND first.position < d.position
        )
        ORDER BY d.due_at LIMIT greatest(0, open.room) FOR UPDATE SKIP LOCKED
    ) claimed ORDER BY random() LIMIT :most
)
UPDATE webhook_deliveries d SET attempts = attempts + 1, step = step + 1,
    due_at = now() + make_interval(secs => :lease), leased_until = now() + make_interval(secs => :lease)
FROM due, webhook_events e WHERE d.id = due.id AND e.id = d.event_id
RETURNING d.id, d.endpoint_id, d.event_id, due.url, d.attempts, d.step,
    CASE WHEN due.payload = 'full' THEN coalesce(e.full, e.thin) ELSE e.thin END AS body
""").bindparams(bindparam("per_endpoint", type_=Integer), bindparam("most", type_=Integer), bindparam("lease", type_=Float))
"""Of each endpoint at most `per_endpoint` at once, one if it is failing, and of each key the first that is pending.

Two workers that claim at the same moment may together exceed an endpoint's bound for one attempt, never its order.
"""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is to be attempted now, by us alone until its lease ends. `step` is the attempt's number in its round."""

    id: str
    endpoint_id: str
    event_id: str
    url: str
    attempts: int
    step: int
    body: bytes


async def claim(tx: Tx, *, most: int, per_endpoint: int, seconds: float) -> list[Claimed]:
    """Due deliveries, leased for an attempt of at most so many `seconds`."""
    values = {"most": most, "per_endpoint": per_endpoint, "lease": seconds + LEASE_SLACK_SECONDS}
    return await tx.all(CLAIM, Claimed, values)


_d, _e = webhook_deliveries.c, webhook_endpoints.c
_NOTE = insert(webhook_attempts)
_MINE = update(webhook_deliveries).where(
    _d.id == bindparam("delivery"), _d.attempts == bindparam("number"), _d.state == "pending", _d.leased_until.is_not(None)
)


def _after(name: str) -> object:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam(name, type_=Float))


_AGAIN = _MINE.values(due_at=_after("pause"), leased_until=None)
_END = _MINE.values(ended_at=func.now(), leased_until=None)
_WELL = update(webhook_endpoints).where(_e.id == bindparam("endpoint"), _e.failing_since.is_not(None)).values(failing_since=None)
_ILL = (
    update(webhook_endpoints)
    .where(_e.id == bindparam("endpoint"))
    .values(
        failing_since=func.coalesce(_e.failing_since, func.now()),
        quiet_until=func.greatest(_e.quiet_until, _after("quiet")),
    )
    .returning(_e.failing_since, func.now().label("now"), _e.state)
)


class Illness(msgspec.Struct, frozen=True, kw_only=True):
    """Since when an endpoint has not answered well, and what time it is."""

    failing_since: datetime
    now: datetime
    state: str


async def settle(tx: Tx, claimed: Claimed, answer: Answer, verdict: Verdict) -> bool:
    """Record an attempt and what follows for its delivery; False if somebody else has had to do with it since: then it is only noted."""
    row = {"delivery_id": claimed.id, "number": claimed.attempts, "milliseconds": round(answer.seconds * 1000)}
    await tx.execute(_NOTE, row | {"status": answer.status, "error": answer.error, "response": answer.response})
    mine = {"delivery": claimed.id, "number": claimed.attempts}
    if verdict.fate == "again":
        return await tx.execute(_AGAIN, mine | {"pause": verdict.pause}) == 1
    reason = "" if verdict.fate == "delivered" else "gone" if verdict.gone else "exhausted"
    return await tx.execute(_END, mine | {"state": verdict.fate, "reason": reason}) == 1


async def note_well(tx: Tx, endpoint_id: str) -> None:
    """It has answered as it should."""
    await tx.execute(_WELL, {"endpoint": endpoint_id})


async def note_ill(tx: Tx, endpoint_id: str, quiet: float) -> Illness:
    """It has not; it is left alone for `quiet` seconds."""
    found = await tx.one(_ILL, Illness, {"endpoint": endpoint_id, "quiet": quiet})
    assert found is not None, "endpoints are never dropped while they have deliveries"
    return found
