"""An `Idempotency-Key` makes a write happen once: its row commits with the write, or not at all.

A concurrent twin waits for the first and gets its answer; past `WAIT_MS` it gets 409. A refusal keeps nothing, so the
same key may be tried again. Keys are per asker and kept for `KEEP_HOURS`.
"""

import hashlib
from collections.abc import Sequence

import msgspec
from sqlalchemy import Column, DateTime, Integer, LargeBinary, Table, Text, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from hub.kernel.errors import Conflict, Invalid
from hub.runtime.database import Actor, IdText, Tx, metadata
from hub.runtime.trace import Trace

KEY_LENGTH_MAX = 255
KEEP_HOURS = 24
WAIT_MS = 5000
LOCK_NOT_AVAILABLE = "55P03"

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", IdText, primary_key=True),
    Column("key", Text(collation="C"), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
)


class Answer(msgspec.Struct, frozen=True):
    """What was answered the first time; `replayed` where it is not."""

    status: int
    body: bytes
    replayed: bool = False


class Asker(msgspec.Struct, frozen=True):
    """Who asks for a write, as part of what, and under which key with which fingerprint."""

    actor: Actor
    trace: Trace
    claim: tuple[str, bytes] | None


def in_use() -> Conflict:
    """A twin has been running for too long."""
    return Conflict("idempotency_key_in_use", "a request with this key is still running", field="header:Idempotency-Key")


def _reused() -> Conflict:
    return Conflict("idempotency_key_reused", "this key was used for another request", field="header:Idempotency-Key")


def check_key(key: str) -> str:
    """The key if it is usable. Raises `Invalid` (``idempotency_key_invalid``)."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable() or not key.isascii():
        raise Invalid("idempotency_key_invalid", f"1 to {KEY_LENGTH_MAX} printable ASCII characters", field="header:Idempotency-Key")
    return key


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """What the key stands for: the same key with another fingerprint is a mistake of the caller."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


_t = idempotency_keys.c
_MINE = (_t.actor == bindparam("of_actor"), _t.key == bindparam("of_key"))
_CLAIM = insert(idempotency_keys).on_conflict_do_nothing()
_FIND = select(_t.fingerprint, _t.status, _t.body).where(*_MINE)
_KEEP = update(idempotency_keys).where(*_MINE)


async def begin(tx: Tx, key: str, print_: bytes) -> Answer | None:
    """Claim the key for this transaction, or return the answer it was given before.

    Raises `Conflict`: ``idempotency_key_reused`` for another request, ``idempotency_key_in_use`` while a twin runs.
    """
    actor = str(tx.actor)
    await tx.wait_at_most(WAIT_MS)
    try:
        fresh = await tx.execute(_CLAIM, {"actor": actor, "key": key, "fingerprint": print_})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            raise in_use() from None
        raise
    await tx.wait_at_most(0)
    if fresh:
        return None
    row = await tx.row(_FIND, {"of_actor": actor, "of_key": key})
    if row is None or row.fingerprint != print_:
        raise _reused()
    return Answer(row.status, row.body, replayed=True)


def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Keep the answer beside the write."""
    actor = str(tx.actor)
    tx.later(_KEEP, f"{actor} {key}", {"of_actor": actor, "of_key": key, "status": answer.status, "body": answer.body})


ANSWERED = text("""
SELECT k.actor, k.key, k.fingerprint, k.status, k.body
FROM unnest(cast(:actors AS text[]), cast(:keys AS text[])) AS asked(actor, key)
JOIN idempotency_keys k ON k.actor = asked.actor COLLATE "C" AND k.key = asked.key COLLATE "C"
""")
_PUT = insert(idempotency_keys)


class Answers:
    """What the askers of one transaction were answered before, and are answered in it.

    Nobody claims a key here: of two transactions with the same key the second to commit fails, and finds the answer if it is
    done again.
    """

    def __init__(self, given: dict[tuple[str, str], tuple[bytes, Answer]]) -> None:
        self._given = given

    def to(self, asker: Asker) -> Answer | None:
        """What the same key was answered. Raises `Conflict` (``idempotency_key_reused``) for another request's."""
        found = self._given.get((str(asker.actor), asker.claim[0])) if asker.claim is not None else None
        if found is None or asker.claim is None:
            return None
        if found[0] != asker.claim[1]:
            raise _reused()
        return found[1]

    def keep(self, tx: Tx, asker: Asker, answer: Answer) -> None:
        """Keep an answer beside what was written."""
        if asker.claim is None or answer.replayed:
            return
        actor, (key, print_) = str(asker.actor), asker.claim
        tx.put(_PUT, {"actor": actor, "key": key, "fingerprint": print_, "status": answer.status, "body": answer.body})
        self._given[actor, key] = (print_, msgspec.structs.replace(answer, replayed=True))


async def answers(tx: Tx, askers: Sequence[Asker]) -> Answers:
    """What these were answered before."""
    asked = [(str(asker.actor), asker.claim[0]) for asker in askers if asker.claim is not None]
    if not asked:
        return Answers({})
    rows = await tx.rows(ANSWERED, {"actors": [actor for actor, _ in asked], "keys": [key for _, key in asked]})
    return Answers({(row.actor, row.key): (row.fingerprint, Answer(row.status, row.body, replayed=True)) for row in rows})


async def forget_old(tx: Tx) -> int:
    """Drop keys older than `KEEP_HOURS`."""
    t = idempotency_keys
    return await tx.execute(t.delete().where(t.c.created_at < func.now() - func.make_interval(0, 0, 0, 0, KEEP_HOURS)))
