"""API keys: only their hashes are stored; a key names who asks and what they may."""

import base64
import hashlib

import msgspec
from sqlalchemy import Column, DateTime, Table, Text, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from hub.runtime.database import Actor, IdText, Tx, metadata
from hub.runtime.entropy import random_bytes

PREFIXES = {"customer": "wk_buyer", "vendor": "wk_vendor", "operator": "wk_admin"}
SCOPES = {
    "customer": ("orders:read", "orders:write"),
    "vendor": ("vendor:read", "vendor:write"),
    "operator": ("admin:read", "admin:write"),
}
"""What a new key may do unless it is made narrower."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("subject", IdText, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    actor: Actor
    scopes: frozenset[str]


def hash_key(key: str) -> str:
    """SHA-256 suffices: keys carry 256 random bits, so there is nothing to guess (unlike passwords)."""
    return hashlib.sha256(key.encode()).hexdigest()


class Issued(msgspec.Struct, frozen=True):
    """A new key: the id by which it is revoked, and the key itself, which nobody can look up later."""

    id: str
    key: str


_ISSUE = insert(api_keys)


async def issue_key(tx: Tx, actor: Actor, scopes: tuple[str, ...] | None = None) -> Issued:
    """A new key for `actor`; shown once, stored hashed."""
    issued = Issued(tx.ids.new("key"), f"{PREFIXES[actor.kind]}_{base64.urlsafe_b64encode(random_bytes(32)).rstrip(b'=').decode()}")
    await tx.execute(
        _ISSUE,
        {
            "id": issued.id,
            "key_hash": hash_key(issued.key),
            "kind": actor.kind,
            "subject": actor.id,
            "scopes": list(scopes or SCOPES[actor.kind]),
            "hint": issued.key[-4:],
        },
    )
    return issued


async def issue(tx: Tx, actor: Actor, scopes: tuple[str, ...] | None = None) -> str:
    """The key alone of `issue_key`."""
    return (await issue_key(tx, actor, scopes)).key


_FIND = select(api_keys.c.kind, api_keys.c.subject, api_keys.c.scopes).where(
    api_keys.c.key_hash == bindparam("hashed"), api_keys.c.revoked_at.is_(None)
)


async def find(tx: Tx, key: str) -> Caller | None:
    """Whose key this is; None if unknown or revoked."""
    row = await tx.row(_FIND, {"hashed": hash_key(key)})
    return None if row is None else Caller(Actor(row.kind, row.subject), frozenset(row.scopes))


async def revoke(tx: Tx, key_id: str) -> bool:
    """End a key; False if it is unknown or ended."""
    return (
        await tx.execute(update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=func.now()))
        == 1
    )
