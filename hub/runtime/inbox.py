"""What has been heard, so that hearing it again changes nothing."""

from sqlalchemy import Column, DateTime, Table, Text, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from hub.runtime import steps
from hub.runtime.database import IdText, Tx, metadata
from hub.runtime.steps import Step

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", IdText, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


class Asked(Step, frozen=True, kw_only=True):
    """The step under whose id something was told, and whether that was heard before."""

    heard: bool


_HEARD = exists().where(inbox.c.source == bindparam("source"), inbox.c.event_id == bindparam("event"))
_ASKED = select(*steps.COLUMNS, _HEARD.label("heard")).where(steps.steps.c.id == bindparam("step_id"))
_NOTE = insert(inbox)
_NOTE_ANYWAY = _NOTE.on_conflict_do_nothing()


async def asked(tx: Tx, step_id: str, source: str, event_id: str) -> Asked | None:
    """What an event of `source` is told of; None if there is no such step."""
    return await tx.one(_ASKED, Asked, {"step_id": step_id, "source": source, "event": event_id})


def note(tx: Tx, source: str, event_id: str, *, anyway: bool = False) -> None:
    """Note an event that was not heard before, in the transaction that applies it.

    Of two transactions that hear it at the same time the second raises `IntegrityError`, and nothing of it is done; `anyway` is
    for who could not try again, and applies nothing that another guard does not stop.
    """
    tx.put(_NOTE_ANYWAY if anyway else _NOTE, {"source": source, "event_id": event_id})
