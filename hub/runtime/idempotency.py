"""An `Idempotency-Key` makes a write happen once: its row commits with the write, or not at all.

A concurrent twin waits for the first and gets its answer; past `WAIT_MS` it gets 409. A refusal keeps nothing, so the
same key may be tried again. Keys are per asker and kept for `KEEP_HOURS`.
"""

import hashlib

import msgspec
from sqlalchemy import Column, DateTime, Integer, LargeBinary, Table, Text, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from hub.kernel.errors import Conflict, Invalid
from hub.runtime.database import IdText, Tx, metadata

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
    """What was answered the first time."""

    status: int
    body: bytes


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
_WAIT_NOT_LONG = text(f"SET LOCAL lock_timeout = {WAIT_MS}")
_WAIT = text("SET LOCAL lock_timeout = 0")


async def begin(tx: Tx, key: str, print_: bytes) -> Answer | None:
    """Claim the key for this transaction, or return the answer it was given before.

    Raises `Conflict`: ``idempotency_key_reused`` for another request, ``idempotency_key_in_use`` while a twin runs.
    """
    actor = str(tx.actor)
    await tx.execute(_WAIT_NOT_LONG)
    try:
        fresh = await tx.execute(_CLAIM, {"actor": actor, "key": key, "fingerprint": print_})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            raise Conflict("idempotency_key_in_use", "a request with this key is still running", field="header:Idempotency-Key") from None
        raise
    await tx.execute(_WAIT)
    if fresh:
        return None
    row = await tx.row(_FIND, {"of_actor": actor, "of_key": key})
    if row is None or row.fingerprint != print_:
        raise Conflict("idempotency_key_reused", "this key was used for another request", field="header:Idempotency-Key")
    return Answer(row.status, row.body)


async def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Keep the answer beside the write."""
    await tx.execute(_KEEP, {"of_actor": str(tx.actor), "of_key": key, "status": answer.status, "body": answer.body})


async def forget_old(tx: Tx) -> int:
    """Drop keys older than `KEEP_HOURS`."""
    t = idempotency_keys
    return await tx.execute(t.delete().where(t.c.created_at < func.now() - func.make_interval(0, 0, 0, 0, KEEP_HOURS)))
