"""An `Idempotency-Key` makes a write happen once: its row commits with the write, or not at all.

A concurrent twin waits for the first and gets its answer; past `WAIT_MS` it gets 409. A refusal keeps nothing, so the
same key may be tried again. Keys are per asker and kept for `KEEP_HOURS`.
"""

import hashlib

import msgspec
from sqlalchemy import Column, DateTime, Integer, LargeBinary, Table, Text, func, select, text, update
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


async def begin(tx: Tx, key: str, print_: bytes) -> Answer | None:
    """Claim the key for this transaction, or return the answer it was given before.

    Raises `Conflict`: ``idempotency_key_reused`` for another request, ``idempotency_key_in_use`` while a twin runs.
    """
    actor = str(tx.actor)
    await tx.execute(text(f"SET LOCAL lock_timeout = {WAIT_MS}"))
    try:
        fresh = await tx.execute(insert(idempotency_keys).values(actor=actor, key=key, fingerprint=print_).on_conflict_do_nothing())
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            raise Conflict("idempotency_key_in_use", "a request with this key is still running", field="header:Idempotency-Key") from None
        raise
    await tx.execute(text("SET LOCAL lock_timeout = 0"))
    if fresh:
        return None
    t = idempotency_keys
    row = await tx.row(select(t.c.fingerprint, t.c.status, t.c.body).where(t.c.actor == actor, t.c.key == key))
    if row is None or row.fingerprint != print_:
        raise Conflict("idempotency_key_reused", "this key was used for another request", field="header:Idempotency-Key")
    return Answer(row.status, row.body)


async def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Keep the answer beside the write."""
    t = idempotency_keys
    await tx.execute(update(t).where(t.c.actor == str(tx.actor), t.c.key == key).values(status=answer.status, body=answer.body))


async def forget_old(tx: Tx) -> int:
    """Drop keys older than `KEEP_HOURS`."""
    t = idempotency_keys
    return await tx.execute(t.delete().where(t.c.created_at < func.now() - func.make_interval(0, 0, 0, 0, KEEP_HOURS)))
