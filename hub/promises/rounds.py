"""Who does what is done once over all workers: whoever has locked the round."""

from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.promises.tables import promise_rounds
from hub.runtime.database import Tx

_r = promise_rounds.c
_BEGIN = insert(promise_rounds).on_conflict_do_nothing()
_ONE = select(_r.done_until).where(_r.name == bindparam("of_name"))
_LOCK, _TRY = _ONE.with_for_update(), _ONE.with_for_update(skip_locked=True)
_DONE = update(promise_rounds).where(_r.name == bindparam("of_name"))


async def begin(tx: Tx, name: str, done_until: datetime) -> None:
    """The first round of all; nothing if there was one."""
    await tx.execute(_BEGIN, {"name": name, "done_until": done_until})


async def take(tx: Tx, name: str) -> datetime | None:
    """Up to when it was done; None if somebody else is at it, or it never began. It is locked until the transaction ends."""
    return await tx.scalar(_TRY, {"of_name": name})


async def lock(tx: Tx, name: str) -> None:
    """Wait for whoever is at it."""
    await tx.execute(_LOCK, {"of_name": name})


async def done(tx: Tx, name: str, until: datetime) -> None:
    """It was done up to there."""
    await tx.execute(_DONE, {"of_name": name, "done_until": until})
