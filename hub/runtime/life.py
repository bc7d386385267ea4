"""The one door through which any state changes: apply the machine's table, save, append to the timeline."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Row, Table, Text, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ClauseElement

from hub.kernel.errors import NotFound
from hub.kernel.machine import Machine
from hub.runtime.database import Actor, IdText, Tx, metadata

timeline = Table(
    "timeline",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("saga_id", IdText, nullable=False),
    Column("life", Text, nullable=False),
    Column("subject_id", IdText, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("data", JSONB, nullable=False, server_default="{}"),
    Column("correlation_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("ix_timeline_saga_id_seq", "saga_id", "seq"),
    Index("ix_timeline_at", "at", postgresql_using="brin"),
)
"""Append-only: every transition of every life with who, what, when and why."""

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One transition; `before` is None at birth. `actor` is who did it, if that is not whose transaction it is."""

    life: str
    subject_id: str
    saga_id: str
    event: str
    before: str | None
    after: str
    reason: str = ""
    data: dict[str, Any] = {}
    actor: Actor | None = None


class Seen(msgspec.Struct, frozen=True):
    """A row as somebody has read it under its lock: whose it is, where it stands, whether it is in `Tx.held`, and who moves it."""

    subject_id: str
    saga_id: str
    state: str
    held: bool = False
    actor: Actor | None = None


class Life(Generic[S, E]):
    """A machine bound to the table whose `state` column it alone may write.

    The table has `state`, `version`, its key in `id_column` and the saga's id in `saga_column`.
    """

    def __init__(self, machine: Machine[S, E], table: Table, *, saga_column: str, id_column: str = "id") -> None:
        self.machine = machine
        self.table = table
        self._states: type[S] = type(machine.initial)
        mine = table.c[id_column] == bindparam("of_subject")
        self._find = select(table.c.state, table.c[saga_column].label("saga_id")).where(mine).with_for_update()
        self._columns = frozenset(table.c.keys())
        self._save = update(table).where(mine).values(version=table.c.version + 1)

    def born(self, tx: Tx, subject_id: str, saga_id: str, data: dict[str, Any] | None = None) -> None:
        """Record that a row in its initial state was inserted."""
        name, state = self.machine.name, str(self.machine.initial)
        record(tx, Move(life=name, subject_id=subject_id, saga_id=saga_id, event="born", before=None, after=state, data=data or {}))

    async def advance(  # one move, all by name
        self,
        tx: Tx,
        subject_id: str,
        event: E,
        *,
        reason: str = "",
        data: dict[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> S:
        """Apply `event`, save `values` beside the new state, append to the timeline; the new state.

        Raises `Conflict` (``illegal_transition``) where the table has no such edge and `NotFound` for an unknown id.
        """
        row: Row[Any] | None = await tx.row(self._find, {"of_subject": subject_id})
        if row is None:
            raise NotFound("not_found", f"no {self.machine.name} {subject_id}")
        seen = Seen(subject_id, row.saga_id, row.state)
        return await self.advance_seen(tx, seen, event, reason=reason, data=data, values=values)

    async def advance_seen(  # the same, all by name
        self,
        tx: Tx,
        seen: Seen,
        event: E,
        *,
        reason: str = "",
        data: dict[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> S:
        """The same for who has read the row in this transaction, and locked it."""
        before = self._states(seen.state)
        after = self.machine.next(before, event)
        given = {name: value for name, value in (values or {}).items() if not isinstance(value, ClauseElement)}
        save = self._save
        if values is not None:
            self._know(values)
            if len(given) < len(values):  # something is reckoned there, such as now()
                save = save.values({name: value for name, value in values.items() if name not in given})
        saved = {"of_subject": seen.subject_id, "state": str(after), **given}
        if seen.held:
            tx.later(save, seen.subject_id, saved, reckons=save is not self._save)
        else:
            await tx.execute(save, saved)
        record(
            tx,
            Move(
                life=self.machine.name,
                subject_id=seen.subject_id,
                saga_id=seen.saga_id,
                event=str(event),
                before=str(before),
                after=str(after),
                reason=reason,
                data=data or {},
                actor=seen.actor,
            ),
        )
        return after

    def _know(self, values: Mapping[str, Any]) -> None:
        # A prepared statement passes over a name that it does not know.
        if not self._columns.issuperset(values):
            raise KeyError(f"{self.table.name} has no {sorted(values.keys() - self._columns)}")


def record(tx: Tx, move: Move) -> None:
    """Note one move; the timeline gets it, with all others of the transaction, just before commit."""
    tx.changed.add(move.saga_id)
    if write_down not in tx.before_commit:
        tx.before_commit.append(write_down)
    tx.noted.append(
        {
            "saga_id": move.saga_id,
            "life": move.life,
            "subject_id": move.subject_id,
            "event": move.event,
            "from_state": move.before,
            "to_state": move.after,
            "actor": str(move.actor or tx.actor),
            "reason": move.reason,
            "data": move.data,
            "correlation_id": tx.trace.correlation_id,
        }
    )


_APPEND = insert(timeline)


async def write_down(tx: Tx) -> None:
    """Append what was noted to the timeline, in the order in which it happened."""
    for moment in tx.noted:
        tx.put(_APPEND, moment)
