"""The only reader and writer of the signs of life."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, text, update

from hub.liveness.rules import Signs
from hub.liveness.tables import vendor_liveness
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET
from vendor_sdk.messages import Heartbeat

GAP_SECONDS = 10
"""Listening that was interrupted for longer begins anew: what a vendor said meanwhile nobody heard."""


class Beat(msgspec.Struct, frozen=True):
    """A heartbeat as heard, `age` seconds ago."""

    heartbeat: Heartbeat
    age: float


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one vendor's spoke; `boot_id` is empty if it was never heard."""

    vendor: str
    boot_id: str
    version: str
    breakers: dict[str, str]
    in_flight: int
    oldest_seconds: float
    since: datetime
    seen_at: datetime
    busy_at: datetime | None

    def signs(self, ours: "Pulse") -> Signs:
        """As the rules see it; `ours` is the row of those who listen."""
        return Signs(
            silent_since=max(self.seen_at, ours.since),
            heard_until=ours.seen_at,
            breakers=self.breakers,
            busy_at=self.busy_at,
            oldest_seconds=self.oldest_seconds,
        )


_COLUMNS = [vendor_liveness.c[name] for name in Pulse.__struct_fields__]

BEGIN = text("""
INSERT INTO vendor_liveness AS mine (vendor, since, seen_at) VALUES ('@hub', now(), now())
ON CONFLICT (vendor) DO UPDATE SET
    since = CASE WHEN mine.seen_at < now() - make_interval(secs => :gap) THEN now() ELSE mine.since END,
    seen_at = now()
WHERE mine.seen_at <= now() - make_interval(secs => :every)
RETURNING vendor
""")

EXPECT = text("""
INSERT INTO vendor_liveness (vendor, since, seen_at)
SELECT code, now(), now() FROM vendors
WHERE (nkey_public IS NOT NULL OR embedded_spoke IS NOT NULL) AND capabilities <> '{}' AND state <> 'closed'
ON CONFLICT DO NOTHING
""")
"""Who was never heard is given the time that everybody has."""

NOTE = text("""
UPDATE vendor_liveness v SET
    boot_id = b.boot_id, version = b.version, breakers = b.breakers, in_flight = b.in_flight, seen_at = b.heard_at,
    closed_at = v.closed_at || coalesce((
        SELECT jsonb_object_agg(n.key, to_jsonb(b.heard_at)) FROM jsonb_each_text(b.breakers) n
        WHERE n.value = 'closed' AND coalesce(v.breakers ->> n.key, 'closed') <> 'closed'
    ), '{}'),
    since = CASE WHEN b.boot_id <> v.boot_id OR v.seen_at < b.heard_at - make_interval(secs => :gap) THEN b.heard_at ELSE v.since END
FROM (
    SELECT *, now() - make_interval(secs => age) AS heard_at
    FROM jsonb_to_recordset(CAST(:heard AS jsonb))
        AS said(vendor text, age float8, boot_id text, version text, breakers jsonb, in_flight int)
) b WHERE v.vendor = b.vendor AND (v.seen_at <= b.heard_at OR v.boot_id = '')
""")

OLDEST = text("""
WITH unanswered AS (
    SELECT target, extract(epoch FROM max(now() - CASE WHEN attempt = 0 THEN due_at ELSE created_at END)) AS seconds
    FROM steps
    WHERE state = 'open' AND target <> '@hub' AND NOT waiting AND verdict IS NULL AND (attempt > 0 OR due_at <= now())
    GROUP BY target
), found AS (
    SELECT known.vendor, coalesce(unanswered.seconds, 0) AS seconds
    FROM vendor_liveness known LEFT JOIN unanswered ON unanswered.target = known.vendor
)
UPDATE vendor_liveness v SET oldest_seconds = found.seconds FROM found WHERE found.vendor = v.vendor AND found.seconds <> v.oldest_seconds
""")
"""A command answered with "pending" is with the vendor; only those to which it has said nothing count."""


async def begin_round(tx: Tx, *, every: float) -> bool:
    """Whether this worker may write now: over all workers once in so many seconds. It also notes that we listen."""
    return await tx.scalar(BEGIN.bindparams(every=every, gap=GAP_SECONDS)) is not None


async def expect_all(tx: Tx) -> None:
    """See that each vendor with a spoke has a row."""
    await tx.execute(EXPECT)


async def measure(tx: Tx) -> None:
    """See how old each vendor's oldest unanswered command is."""
    await tx.execute(OLDEST)


async def note(tx: Tx, beats: Mapping[str, Beat]) -> None:
    """Keep what was heard, all of it in one statement; what is older than what is known changes nothing."""
    if beats:
        heard = [{"vendor": vendor, "age": beat.age, **_kept(beat.heartbeat)} for vendor, beat in beats.items()]
        await tx.execute(NOTE.bindparams(heard=msgspec.json.encode(heard).decode(), gap=GAP_SECONDS))


async def note_busy(tx: Tx, vendors: Collection[str]) -> None:
    """These vendors' streams are full now."""
    t = vendor_liveness.c
    await tx.execute(update(vendor_liveness).where(t.vendor.in_(sorted(vendors))).values(busy_at=func.now()))


async def ours(tx: Tx) -> Pulse | None:
    """The row of those who listen; None if nobody ever has."""
    return await tx.one(select(*_COLUMNS).where(vendor_liveness.c.vendor == HUB_TARGET), Pulse)


_OF = select(*_COLUMNS).where(vendor_liveness.c.vendor.in_(bindparam("vendors", expanding=True)))


async def of(tx: Tx, vendors: Collection[str]) -> dict[str, Pulse]:
    """What is known of these vendors' spokes, and of us; those without a spoke are left out."""
    wanted = {"vendors": [HUB_TARGET, *sorted(set(vendors))]}
    return {pulse.vendor: pulse for pulse in await tx.all(_OF, Pulse, wanted)}


async def browse(tx: Tx, *, after: str | None, limit: int) -> list[Pulse]:
    """Every vendor with a spoke, by code."""
    t = vendor_liveness.c
    query = select(*_COLUMNS).where(t.vendor > (after or HUB_TARGET)).order_by(t.vendor).limit(limit)
    return await tx.all(query, Pulse)


def _kept(beat: Heartbeat) -> dict[str, Any]:
    return {"boot_id": beat.boot_id, "version": beat.version, "breakers": beat.breakers, "in_flight": beat.in_flight}
