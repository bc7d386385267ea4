"""Says whose a dead letter is to look after, and what somebody has found out about it."""

from hub.letters import store
from hub.letters.store import Letter
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.triage.replay import lock


async def assign(tx: Tx, letter_id: str, assignee: str | None, *, why: str, version: int | None) -> Letter:
    """Give a letter to somebody, or to nobody. Raises `NotFound`, and `Conflict` (``version_mismatch``)."""
    letter = await lock(tx, letter_id)
    store.check(letter, version)
    await audit.note(tx, "dead_letter.assigned", letter.id, why=why, before={"assignee": letter.assignee}, after={"assignee": assignee})
    return await store.change(tx, letter, assignee=assignee)


async def add_note(tx: Tx, letter_id: str, text: str) -> Letter:
    """Write something beside a letter. Raises `NotFound`."""
    letter = await lock(tx, letter_id)
    await audit.note(tx, "dead_letter.noted", letter.id, after={"note": text})
    return letter
