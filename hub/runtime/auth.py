"""API keys: only their hashes are stored; a key names who asks and what they may."""

import base64
import hashlib
from datetime import datetime

import msgspec
from sqlalchemy import Column, DateTime, Index, Table, Text, Update, and_, bindparam, func, insert, or_, select, update
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
    Column("name", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Index("ix_api_keys_subject", "kind", "subject"),
)

USED_SECONDS = 60
"""How exactly it is kept when a key was last used."""


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    actor: Actor
    scopes: frozenset[str]


def hash_key(key: str) -> str:
    """SHA-256 suffices: keys carry 256 random bits, so there is nothing to guess (unlike passwords)."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as its holder sees it; `hint` is its last four characters. `expires_at` is set while it is being replaced."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Issued(msgspec.Struct, frozen=True):
    """A new key: the id by which it is revoked, and the key itself, which nobody can look up later."""

    id: str
    key: str


_ISSUE = insert(api_keys)


async def issue_key(tx: Tx, actor: Actor, scopes: tuple[str, ...] | None = None, name: str = "") -> Issued:
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
            "name": name,
        },
    )
    return issued


async def issue(tx: Tx, actor: Actor, scopes: tuple[str, ...] | None = None) -> str:
    """The key alone of `issue_key`."""
    return (await issue_key(tx, actor, scopes)).key


_k = api_keys.c
_LIVE = and_(_k.revoked_at.is_(None), or_(_k.expires_at.is_(None), _k.expires_at > func.now()))
_UNTOLD = or_(_k.last_used_at.is_(None), _k.last_used_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, USED_SECONDS))
_FIND = select(_k.id, _k.kind, _k.subject, _k.scopes).where(_k.key_hash == bindparam("hashed"), _LIVE)
_USED = update(api_keys).where(_k.key_hash == bindparam("hashed"), _UNTOLD).values(last_used_at=func.now())
_MINE = (_k.kind == bindparam("of_kind"), _k.subject == bindparam("of_subject"))
_OF = select(*(_k[name] for name in ApiKey.__struct_fields__)).where(*_MINE, _LIVE).order_by(_k.id.desc())


async def find(tx: Tx, key: str) -> Caller | None:
    """Whose key this is; None if unknown, revoked or expired."""
    row = await tx.row(_FIND, {"hashed": hash_key(key)})
    return None if row is None else Caller(Actor(row.kind, row.subject), frozenset(row.scopes))


async def note_used(tx: Tx, key: str) -> None:
    """Keep that a key was used now, to the minute."""
    await tx.execute(_USED, {"hashed": hash_key(key)})


async def keys_of(tx: Tx, actor: Actor) -> list[ApiKey]:
    """The keys that somebody may use now, the newest first."""
    return await tx.all(_OF, ApiKey, {"of_kind": actor.kind, "of_subject": actor.id})


async def expire(tx: Tx, actor: Actor, key_id: str, seconds: float) -> bool:
    """Let a key of `actor` work for so long at most, and not longer than it was to; False if it has none of that id."""
    ends = func.least(_k.expires_at, func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds))  # of nulls `least` takes no notice
    return await tx.execute(_of_actor(actor).where(_k.id == key_id, _LIVE).values(expires_at=ends)) == 1


async def revoke(tx: Tx, key_id: str, actor: Actor | None = None) -> bool:
    """End a key; False if it is unknown, has ended, or is not `actor`'s."""
    mine = update(api_keys) if actor is None else _of_actor(actor)
    return await tx.execute(mine.where(_k.id == key_id, _k.revoked_at.is_(None)).values(revoked_at=func.now())) == 1


async def revoke_all(tx: Tx, actor: Actor) -> int:
    """End every key of `actor`; how many there were."""
    return await tx.execute(_of_actor(actor).where(_k.revoked_at.is_(None)).values(revoked_at=func.now()))


def _of_actor(actor: Actor) -> Update:
    return update(api_keys).where(_k.kind == actor.kind, _k.subject == actor.id)
