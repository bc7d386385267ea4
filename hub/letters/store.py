"""The only reader and writer of dead letters."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update

from hub.kernel.errors import Conflict, NotFound
from hub.letters.states import LETTER, LetterEvent, LetterState
from hub.letters.tables import dead_letters
from hub.runtime.database import Tx
from hub.runtime.life import Life, Seen

LETTER_LIFE = Life(LETTER, dead_letters, saga_column="saga_id")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as it is kept. `payload` is the message as it would be sent again, `original` what it was before it was edited."""

    id: str
    version: int
    state: LetterState
    source: str
    target: str
    kind: str
    reason: str
    detail: str
    fingerprint: str
    attempts: int
    times: int
    tries: int
    step_id: str | None
    saga_id: str | None
    subject_id: str | None
    headers: dict[str, str]
    payload: str
    original: str | None
    breakers: dict[str, str] | None
    at_risk: int | None
    currency: str | None
    assignee: str | None
    resolution: str | None
    created_at: datetime
    last_at: datetime
    ended_at: datetime | None

    @property
    def story_id(self) -> str:
        """In whose timeline its life is told: its order's, or its own where it is of no order."""
        return self.saga_id or self.id


COLUMNS = [dead_letters.c[name] for name in Letter.__struct_fields__]
OPEN = (LetterState.OPEN, LetterState.REPLAYING)

_ONE = select(*COLUMNS).where(dead_letters.c.id == bindparam("letter"))
_LOCKED = _ONE.with_for_update()


async def get(tx: Tx, letter_id: str, *, lock: bool = False, target: str | None = None) -> Letter:
    """One letter; with `target` only one of that vendor's. Raises `NotFound` (``unknown_dead_letter``)."""
    found = await tx.one(_LOCKED if lock else _ONE, Letter, {"letter": letter_id})
    if found is None or (target is not None and found.target != target):
        raise NotFound("unknown_dead_letter", f"no dead letter {letter_id}")
    return found


def check(letter: Letter, version: int | None) -> None:
    """Raises `Conflict` (``version_mismatch``) if somebody has touched it since `version` was seen."""
    if version is not None and letter.version != version:
        raise Conflict("version_mismatch", f"it is at version {letter.version} by now", field="header:If-Match", version=letter.version)


async def advance(
    tx: Tx, letter: Letter, event: LetterEvent, *, reason: str = "", data: dict[str, Any] | None = None, **values: Any
) -> None:
    """Move a locked letter on. Raises `Conflict` (``illegal_transition``)."""
    seen = Seen(letter.id, letter.story_id, letter.state)
    await LETTER_LIFE.advance_seen(tx, seen, event, reason=reason, data=data, values=values)


async def resolve(tx: Tx, letter: Letter, how: str) -> None:
    """What it was about is settled."""
    await advance(tx, letter, LetterEvent.RESOLVE, reason=how, resolution=how, ended_at=func.now())


_CHANGE = update(dead_letters).where(dead_letters.c.id == bindparam("letter")).values(version=dead_letters.c.version + 1)


async def change(tx: Tx, letter: Letter, **values: Any) -> Letter:
    """Save what changes no state; the locked letter as it is then."""
    await tx.execute(_CHANGE.values(**values), {"letter": letter.id})
    return msgspec.structs.replace(letter, version=letter.version + 1, **values)


_IDS = select(dead_letters.c.id).where(dead_letters.c.state.in_(OPEN))


async def of_steps(tx: Tx, condition: Mapping[str, Any]) -> list[str]:
    """Ids of letters that are not ended, by the values of columns."""
    query = _IDS.where(*[dead_letters.c[name] == value for name, value in condition.items()])
    return [row.id for row in await tx.rows(query)]
