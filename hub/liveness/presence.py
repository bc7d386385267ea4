"""How vendors stand towards buyers now: on which terms they sell, and what may be expected of their spokes; read in one look."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select

from hub.liveness.rules import Presence, Prospect, Signs, Watch, health, prospect
from hub.liveness.tables import vendor_liveness
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET
from hub.vendors import store as vendors
from hub.vendors.tables import vendors as _vendors

_theirs, _ours = vendor_liveness.alias("theirs"), vendor_liveness.alias("ours")
_PRESENCES = (
    select(
        *vendors.TERMS,
        _theirs.c.breakers,
        _theirs.c.oldest_seconds,
        _theirs.c.seen_at,
        _theirs.c.busy_at,
        _ours.c.since.label("listening_since"),
        _ours.c.seen_at.label("listening_until"),
    )
    .select_from(_vendors.outerjoin(_theirs, _theirs.c.vendor == _vendors.c.code).outerjoin(_ours, _ours.c.vendor == bindparam("us")))
    .where(_vendors.c.code.in_(bindparam("codes", expanding=True)))
)


async def presences(tx: Tx, watch: Watch, codes: Collection[str]) -> dict[str, Presence]:
    """These vendors, by code; unknown codes are left out."""
    rows = await tx.rows(_PRESENCES, {"codes": sorted(set(codes)), "us": HUB_TARGET})
    return {row.code: _presence(row, watch) for row in rows}


def _presence(row: Row[Any], watch: Watch) -> Presence:
    found = msgspec.convert(row, Presence, from_attributes=True)
    if row.seen_at is None or row.listening_until is None:  # it has no spoke, or nobody has listened yet
        return found
    signs = Signs(
        silent_since=max(row.seen_at, row.listening_since),
        heard_until=row.listening_until,
        breakers=row.breakers,
        busy_at=row.busy_at,
        oldest_seconds=row.oldest_seconds,
    )
    expected = prospect(health(signs, watch), row.breakers, watch)
    return found if expected == Prospect() else msgspec.structs.replace(found, prospect=expected)
