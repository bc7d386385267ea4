"""Finds dead letters by any of their facts, one by one or in groups that failed alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from hub.kernel.money import Money
from hub.letters.states import LetterState
from hub.letters.store import COLUMNS, OPEN, Letter
from hub.letters.tables import dead_letters
from hub.runtime.database import Tx
from hub.triage.tables import quarantines

Said = Annotated[str, Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]

_c = dead_letters.c


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which letters; what is not given is not asked. Amounts in minor units, moments with their offset."""

    state: LetterState | None = None
    source: Said | None = None
    target: Said | None = None
    kind: Said | None = None
    reason: Said | None = None
    fingerprint: Said | None = None
    saga_id: Said | None = None
    subject_id: Said | None = None
    step_id: Said | None = None
    resolution: Said | None = None
    assignee: Said | None = None
    currency: Said | None = None
    at_risk_min: Annotated[int, Meta(ge=0, le=10**15)] | None = None
    attempts_min: Annotated[int, Meta(ge=0, le=10**6)] | None = None
    times_min: Annotated[int, Meta(ge=0, le=10**6)] | None = None
    failed_after: Moment | None = None
    failed_before: Moment | None = None
    ids: Annotated[list[Said], Meta(min_length=1, max_length=10_000)] | None = None
    text: Said | None = None
    """Stands somewhere in its detail."""


_EQUAL = (
    "state",
    "source",
    "target",
    "kind",
    "reason",
    "fingerprint",
    "saga_id",
    "subject_id",
    "step_id",
    "resolution",
    "assignee",
    "currency",
)


def conditions(asked: Filter) -> list[ColumnElement[bool]]:
    """The filter as PostgreSQL understands it."""
    found: list[ColumnElement[bool]] = [_c[name] == getattr(asked, name) for name in _EQUAL if getattr(asked, name) is not None]
    least = {"at_risk": asked.at_risk_min, "attempts": asked.attempts_min, "times": asked.times_min}
    found += [_c[name] >= number for name, number in least.items() if number is not None]
    if asked.failed_after is not None:
        found.append(_c.last_at >= asked.failed_after)
    if asked.failed_before is not None:
        found.append(_c.last_at < asked.failed_before)
    if asked.ids is not None:
        found.append(_c.id.in_(asked.ids))
    if asked.text is not None:
        found.append(_c.detail.contains(asked.text, autoescape=True))
    return found


async def browse(tx: Tx, asked: Filter, *, after: str | None, limit: int) -> list[Letter]:
    """Letters, the newest first, those before the id `after`."""
    query = select(*COLUMNS).where(*conditions(asked)).order_by(_c.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(_c.id < after), Letter)


def standing_quarantine(letter: Any) -> ColumnElement[bool]:
    """Whether something that must not be replayed covers a row of `letter`."""
    q = quarantines.c
    covers = or_(
        and_(q.what == "fingerprint", q.value == letter.fingerprint),
        and_(q.what == "target", q.value == letter.target),
        and_(q.what == "kind", q.value == letter.kind),
    )
    return exists().where(q.lifted_at.is_(None), or_(q.until.is_(None), q.until > func.now()), covers)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Failures that are one and the same, not mended yet. `at_risk`: one amount for each currency."""

    fingerprint: str
    target: str
    kind: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    at_risk: list[Money]
    quarantined: bool
    example: str
    """The id of the newest."""


_PARTS = (
    select(
        _c.fingerprint,
        func.any_value(_c.target).label("target"),
        func.any_value(_c.kind).label("kind"),
        func.any_value(_c.reason).label("reason"),
        _c.currency,
        func.count().label("count"),
        func.min(_c.created_at).label("first_at"),
        func.max(_c.last_at).label("last_at"),
        func.max(_c.id).label("newest"),
        func.coalesce(func.sum(_c.at_risk), 0).label("amount"),
    )
    .where(_c.state.in_(OPEN))
    .group_by(_c.fingerprint, _c.currency)
)
GROUPS_MAX = 1_000


async def groups(tx: Tx, target: str | None = None) -> list[Group]:
    """What is not mended, the most frequent first, at most `GROUPS_MAX`; with `target` that vendor's alone."""
    rows = await tx.rows(_PARTS if target is None else _PARTS.where(_c.target == target))
    together: dict[str, list[Any]] = {}
    for row in rows:
        together.setdefault(row.fingerprint, []).append(row)
    largest = sorted(together.values(), key=lambda parts: (-sum(part.count for part in parts), parts[0].fingerprint))[:GROUPS_MAX]
    barred = await _barred(tx)
    return [_group(parts, barred) for parts in largest]


async def _barred(tx: Tx) -> set[tuple[str, str]]:
    q = quarantines.c
    query = select(q.what, q.value).where(q.lifted_at.is_(None), or_(q.until.is_(None), q.until > func.now()))
    return {(row.what, row.value) for row in await tx.rows(query)}


def _group(parts: Sequence[Any], barred: set[tuple[str, str]]) -> Group:
    first = parts[0]
    named = {("fingerprint", first.fingerprint), ("target", first.target), ("kind", first.kind)}
    return Group(
        fingerprint=first.fingerprint,
        target=first.target,
        kind=first.kind,
        reason=first.reason,
        count=sum(part.count for part in parts),
        first_at=min(part.first_at for part in parts),
        last_at=max(part.last_at for part in parts),
        at_risk=[Money(amount=int(part.amount), currency=part.currency) for part in parts if part.currency is not None],
        quarantined=bool(named & barred),
        example=max(part.newest for part in parts),
    )
