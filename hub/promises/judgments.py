"""The only reader and writer of what was judged of vendors: append-only, the last word of a rule is what stands."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, func, insert, select

from hub.promises.suspension import Breach
from hub.promises.tables import vendor_judgments
from hub.runtime.database import Tx
from hub.runtime.life import timeline
from hub.vendors.states import VendorEvent

Word = Literal["warned", "suspended", "lifted"]


class Judgment(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged of a vendor by a rule, and on which figure; `lifted`: a warned vendor no longer breaks it."""

    id: str
    vendor: str
    rule: str
    verdict: Word
    says: str
    breach: dict[str, Any]
    at: datetime


_j, _t = vendor_judgments.c, timeline.c
_COLUMNS = [_j[name] for name in Judgment.__struct_fields__]
_WARNINGS = select(_j.vendor, _j.rule, _j.verdict, _j.at).where(_j.vendor.in_(bindparam("vendors", expanding=True))).order_by(_j.id)
_ADD = insert(vendor_judgments)
_SUSPENDED = select(func.count()).select_from(vendor_judgments).where(_j.verdict == "suspended", _j.at >= bindparam("since"))
_ACTIVATED = (
    select(_t.saga_id, func.max(_t.at).label("at"))
    .where(_t.saga_id.in_(bindparam("vendors", expanding=True)), _t.life == "vendor", _t.event == VendorEvent.ACTIVATE)
    .group_by(_t.saga_id)
)


async def add(tx: Tx, vendor: str, rule: str, verdict: Word, breach: Breach | None) -> str:
    """Write down a judgment; its id."""
    judgment_id = tx.ids.new("jdg")
    said: dict[str, Any] = {"says": "" if breach is None else breach.says, "breach": {} if breach is None else msgspec.to_builtins(breach)}
    await tx.execute(_ADD, {"id": judgment_id, "vendor": vendor, "rule": rule, "verdict": verdict, **said})
    return judgment_id


async def warnings(tx: Tx, vendors: Collection[str], activated: Mapping[str, datetime]) -> dict[str, dict[str, datetime]]:
    """When each vendor was warned by which rule, as far as that stands: what was said before an operator activated it does not."""
    standing: dict[str, dict[str, datetime]] = {vendor: {} for vendor in vendors}
    for row in await tx.rows(_WARNINGS, {"vendors": sorted(vendors)}):
        if row.verdict != "warned":
            standing[row.vendor].pop(row.rule, None)
        elif row.vendor not in activated or row.at > activated[row.vendor]:
            standing[row.vendor][row.rule] = row.at
    return standing


async def activated(tx: Tx, vendors: Collection[str]) -> dict[str, datetime]:
    """When each of these vendors was last activated by an operator, if ever."""
    return {row.saga_id: row.at for row in await tx.rows(_ACTIVATED, {"vendors": sorted(vendors)})}


async def suspended_since(tx: Tx, since: datetime) -> int:
    """How many vendors were suspended by rule from that moment on."""
    return int(await tx.scalar(_SUSPENDED, {"since": since}))


async def of_vendor(tx: Tx, vendor: str, *, after: str | None, limit: int) -> list[Judgment]:
    """What was judged of a vendor, newest first, those before the id `after`."""
    query = select(*_COLUMNS).where(_j.vendor == vendor).order_by(_j.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(_j.id < after), Judgment)
