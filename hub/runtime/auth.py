"""API keys: only their hashes are stored; a key names who asks and what they may."""

import hashlib
import secrets

import msgspec
from sqlalchemy import Column, DateTime, Table, Text, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from hub.runtime.database import Actor, IdText, Tx, metadata

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


async def issue_key(tx: Tx, actor: Actor, scopes: tuple[str, ...] | None = None) -> Issued:
    """A new key for `actor`; shown once, stored hashed."""
    issued = Issued(tx.ids.new("key"), f"{PREFIXES[actor.kind]}_{secrets.token_urlsafe(32)}")
    await tx.execute(
        insert(api_keys).values(
            id=issued.id,
            key_hash=hash_key(issued.key),
            kind=actor.kind,
            subject=actor.id,
            scopes=list(scopes or SCOPES[actor.kind]),
            hint=issued.key[-4:],
        )
    )
    return issued


async def issue(tx: Tx, actor: Actor, scopes: tuple[str, ...] | None = None) -> str:
    """The key alone of `issue_key`."""
    return (await issue_key(tx, actor, scopes)).key


async def find(tx: Tx, key: str) -> Caller | None:
    """Whose key this is; None if unknown or revoked."""
    k = api_keys.c
    row = await tx.row(select(k.kind, k.subject, k.scopes).where(k.key_hash == hash_key(key), k.revoked_at.is_(None)))
    return None if row is None else Caller(Actor(row.kind, row.subject), frozenset(row.scopes))


async def revoke(tx: Tx, key_id: str) -> bool:
    """End a key; False if it is unknown or ended."""
    return (
        await tx.execute(update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=func.now()))
        == 1
    )
