"""The only reader and writer of vendors' endpoints and their keys (states go through their life)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Float, Row, bindparam, delete, func, insert, or_, select, update

from hub.kernel.errors import NotFound
from hub.notifications.model import EndpointView, KeyView, NewEndpoint
from hub.notifications.signing import Key, Scheme, public_half
from hub.notifications.states import WEBHOOK_ENDPOINT, EndpointEvent, EndpointState
from hub.notifications.tables import webhook_endpoints, webhook_keys
from hub.runtime.database import Tx
from hub.runtime.life import Life

ENDPOINT_LIFE = Life(WEBHOOK_ENDPOINT, webhook_endpoints, saga_column="vendor")

_e, _k = webhook_endpoints.c, webhook_keys.c
_COLUMNS = [_e[name] for name in EndpointView.__struct_fields__ if name != "keys"]
_THERE = _e.state != EndpointState.REMOVED
_IN_FORCE = or_(_k.expires_at.is_(None), _k.expires_at > func.now())


async def add(tx: Tx, vendor: str, new: NewEndpoint) -> str:
    """An endpoint without keys; its id."""
    endpoint_id = tx.ids.new("wep")
    row = {name: value for name, value in msgspec.to_builtins(new).items() if name not in {"schemes", "state"}}
    await tx.execute(insert(webhook_endpoints), {"id": endpoint_id, "vendor": vendor, "state": EndpointState.ENABLED, **row})
    ENDPOINT_LIFE.born(tx, endpoint_id, vendor, data={"url": new.url})
    return endpoint_id


async def count(tx: Tx, vendor: str) -> int:
    """How many a vendor has."""
    number: int = await tx.scalar(select(func.count()).where(_e.vendor == vendor, _THERE))
    return number


async def get(tx: Tx, endpoint_id: str, *, vendor: str | None = None, lock: bool = False) -> EndpointView:
    """One endpoint with its keys in force, of `vendor` if one is named. Raises `NotFound` (``unknown_endpoint``)."""
    query = select(*_COLUMNS).where(_e.id == endpoint_id, _THERE)
    found = await tx.one(query.with_for_update() if lock else query, EndpointView)
    if found is None or vendor not in {None, found.vendor}:
        raise NotFound("unknown_endpoint", f"no endpoint {endpoint_id}")
    return (await _with_keys(tx, [found]))[0]


async def browse(tx: Tx, *, vendor: str | None, after: str | None, limit: int) -> list[EndpointView]:
    """Endpoints, newest first, with their keys in force."""
    wanted = [_THERE, *([_e.vendor == vendor] if vendor else []), *([_e.id < after] if after else [])]
    return await _with_keys(tx, await tx.all(select(*_COLUMNS).where(*wanted).order_by(_e.id.desc()).limit(limit), EndpointView))


async def change(tx: Tx, endpoint_id: str, values: Mapping[str, Any]) -> None:
    """Save what is different; never the state."""
    assert "state" not in values, "that is the life's"
    await tx.execute(update(webhook_endpoints).where(_e.id == endpoint_id).values(version=_e.version + 1, **values))


async def move(tx: Tx, endpoint_id: str, event: EndpointEvent, reason: str) -> None:
    """Enable, disable or remove it. Raises `Conflict` (``illegal_transition``)."""
    fresh = {"failing_since": None, "quiet_until": None} if event is EndpointEvent.ENABLE else {}
    await ENDPOINT_LIFE.advance(tx, endpoint_id, event, reason=reason, values={"reason": reason, **fresh})


_OF_VENDORS = select(_e.id, _e.vendor, _e.types, _e.state, _e.created_at).where(_THERE, _e.vendor.in_(bindparam("vendors", expanding=True)))
_ANY = select(_e.vendor).where(_THERE).distinct()


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be known of an endpoint to know whether it is told something."""

    id: str
    vendor: str
    types: list[Any]
    state: EndpointState
    created_at: datetime


async def vendors(tx: Tx) -> frozenset[str]:
    """All that have an endpoint."""
    return frozenset(row.vendor for row in await tx.rows(_ANY))


async def listeners(tx: Tx, of: Collection[str]) -> list[Listener]:
    """The endpoints of these vendors."""
    return await tx.all(_OF_VENDORS, Listener, {"vendors": sorted(of)}) if of else []


_ADD_KEY = insert(webhook_keys)
_KEYS = select(_k.scheme, _k.secret).where(_k.endpoint_id == bindparam("endpoint"), _IN_FORCE).order_by(_k.id.desc())
_SHOWN = (
    select(_k.endpoint_id, _k.id, _k.scheme, _k.secret, _k.created_at, _k.expires_at)
    .where(_k.endpoint_id.in_(bindparam("endpoints", expanding=True)), _IN_FORCE)
    .order_by(_k.id.desc())
)
_SOON = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
_EXPIRE = (
    update(webhook_keys)
    .where(_k.endpoint_id == bindparam("endpoint"), _k.scheme == bindparam("of_scheme"), _IN_FORCE)
    .values(expires_at=func.least(_k.expires_at, _SOON))
)


async def add_key(tx: Tx, endpoint_id: str, key: Key) -> None:
    """Another key that signs from now on."""
    row = {"id": tx.ids.new("whk"), "endpoint_id": endpoint_id, "scheme": key.scheme, "secret": key.secret}
    await tx.execute(_ADD_KEY, row)


async def expire_keys(tx: Tx, endpoint_id: str, scheme: Scheme, seconds: float) -> None:
    """The keys of a scheme sign for so long still, or for as long as was said before, if that is less."""
    await tx.execute(_EXPIRE, {"endpoint": endpoint_id, "of_scheme": scheme, "seconds": seconds})


async def keys(tx: Tx, endpoint_id: str) -> list[Key]:
    """Those in force, newest first."""
    return await tx.all(_KEYS, Key, {"endpoint": endpoint_id})


async def forget_keys(tx: Tx) -> int:
    """Drop secrets that sign nothing any more."""
    gone = select(_e.id).where(_e.state == EndpointState.REMOVED)
    return await tx.execute(delete(webhook_keys).where(or_(_k.expires_at <= func.now(), _k.endpoint_id.in_(gone))))


async def _with_keys(tx: Tx, found: Sequence[EndpointView]) -> list[EndpointView]:
    shown: dict[str, list[KeyView]] = {}
    rows: Sequence[Row[Any]] = await tx.rows(_SHOWN, {"endpoints": [each.id for each in found]}) if found else []
    for row in rows:
        public = public_half(Key(row.scheme, row.secret))
        view = KeyView(id=row.id, scheme=row.scheme, public=public, created_at=row.created_at, expires_at=row.expires_at)
        shown.setdefault(row.endpoint_id, []).append(view)
    return [msgspec.structs.replace(each, keys=shown.get(each.id, [])) for each in found]
