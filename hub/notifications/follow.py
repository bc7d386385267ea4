"""Follows the timeline and turns what vendors hear of into deliveries: behind the orders' transactions, never in them.

Numbers of the timeline are drawn before they are committed, so "greater than the last one" would lose what commits late.
Each round notes the last number drawn and, after that, a transaction id of its own. A transaction has an id before it
appends to the timeline, for it has written something else or locked it (`life.write_down` runs last). So once all that
are older than the noted id have ended, everything up to the noted number is there or never will be.
"""

from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import bindparam, select, text

from hub.kernel.errors import NotFound
from hub.notifications import endpoints, store
from hub.notifications.endpoints import Listener
from hub.notifications.kinds import KINDS, Told, bodies, hears
from hub.notifications.model import EventType
from hub.notifications.states import EndpointState
from hub.notifications.store import NewEvent
from hub.notifications.tell import TELL, Followed
from hub.runtime.database import Database, Tx
from hub.runtime.life import timeline

log = structlog.get_logger("notifications")

MOMENTS_AT_ONCE = 200

DRAWN = text("SELECT last_value FROM timeline_seq_seq")
IDLE = text("SELECT seq FROM webhook_cursors WHERE name = 'timeline'")
BEGIN = text("""
SELECT seq, seen_seq, seen_xid, CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS xid
FROM webhook_cursors WHERE name = 'timeline' FOR UPDATE SKIP LOCKED
""")
OLDEST = text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
END = text("UPDATE webhook_cursors SET seq = :seq, seen_seq = :seen_seq, seen_xid = :seen_xid WHERE name = 'timeline'")

_MOMENTS = (
    select(*[timeline.c[name] for name in Followed.__struct_fields__])
    .where(timeline.c.seq > bindparam("after"), timeline.c.seq <= bindparam("until"))
    .order_by(timeline.c.seq)
    .limit(MOMENTS_AT_ONCE)
)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the timeline was followed (`seq`), how far it was seen and when; `xid` is the transaction that asks."""

    seq: int
    seen_seq: int
    seen_xid: int
    xid: int


def next_cursor(cursor: Cursor, drawn: int, last: int | None) -> Cursor:
    """After a round that was allowed to read: `last` is the last number read if there is more to be read, `drawn` the last one drawn."""
    if last is not None:
        return msgspec.structs.replace(cursor, seq=last)
    return msgspec.structs.replace(cursor, seq=cursor.seen_seq, seen_seq=max(drawn, cursor.seen_seq), seen_xid=cursor.xid)


async def follow(database: Database) -> None:
    """Follow as far as it is safe, one round after the other, over all workers one at a time."""
    while await _round(database):
        pass


async def _round(database: Database) -> bool:
    """One transaction; whether another may find more at once."""
    async with database.tx() as tx:
        drawn: int = await tx.scalar(DRAWN)  # before this transaction has an id
        if await tx.scalar(IDLE) == drawn:
            return False
        cursor = await tx.one(BEGIN, Cursor)
        if cursor is None:
            return False  # another worker follows
        # Ids that are ahead of our own are of a cluster that this database was copied from.
        if await tx.scalar(OLDEST) < cursor.seen_xid <= cursor.xid:
            return False
        moments = await tx.all(_MOMENTS, Followed, {"after": cursor.seq, "until": cursor.seen_seq})
        await _tell_all(tx, moments)
        after = next_cursor(cursor, drawn, moments[-1].seq if len(moments) == MOMENTS_AT_ONCE else None)
        await tx.execute(END, {name: getattr(after, name) for name in ("seq", "seen_seq", "seen_xid")})
        return after.seq < after.seen_seq


async def _tell_all(tx: Tx, moments: Sequence[Followed]) -> None:
    wanted: list[tuple[Followed, EventType]] = [
        (moment, KINDS[moment.life, moment.event]) for moment in moments if (moment.life, moment.event) in KINDS
    ]
    who = await endpoints.vendors(tx) if wanted else frozenset[str]()
    if not who:
        return
    found: list[tuple[Followed, EventType, Told]] = [
        (moment, kind, told) for moment, kind in wanted for told in await _told(tx, moment, who)
    ]
    listeners = await endpoints.listeners(tx, {told.vendor for _, _, told in found})
    for moment, kind, told in found:
        await _deliver(tx, moment, kind, told, listeners)


async def _told(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    try:
        return await TELL[moment.life](tx, moment, who)
    except NotFound as gone:
        log.warning("notification.of_nothing", life=moment.life, subject=moment.subject_id, error=str(gone))
        return []


async def _deliver(tx: Tx, moment: Followed, kind: EventType, told: Told, listeners: Sequence[Listener]) -> None:
    """To whoever hears of it and was there when it happened; never to the endpoint that it is about."""
    to = [
        (listener.id, listener.state is EndpointState.ENABLED)
        for listener in listeners
        if listener.vendor == told.vendor
        and listener.id != moment.subject_id
        and listener.created_at <= moment.at
        and hears(listener.types, kind)
    ]
    if to:
        new = NewEvent(
            vendor=told.vendor,
            type=kind,
            key=told.key,
            position=moment.seq,
            occurred_at=moment.at,
            bodies=bodies(kind, moment.at, told),
        )
        await store.add(tx, new, to)
