"""Owns what a new vendor needs of the embedded default: its account on the broker and, if it asked for one, its spoke."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.embedded.folder import Folder, write_private
from hub.embedded.nats_config import VendorAccount
from hub.embedded.nkey import new_seed, public_of

HOSTED = "hosted"
"""The adapter that reads the vendor API as its vendor."""
READING = ("vendor:read",)


class SpokeVendor(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as the broker and the supervisor need it; `embedded_spoke` names an adapter to run here, or is None."""

    code: str
    nkeys: list[str]
    embedded_spoke: str | None
    spoke_config: dict[str, Any]


async def find_vendors(engine: AsyncEngine) -> list[SpokeVendor]:
    """Every vendor with an account on the broker or a spoke to be run here, by code; its nkeys in force, the newest first."""
    from sqlalchemy import ARRAY, Text, func, literal, select
    from sqlalchemy.dialects.postgresql import aggregate_order_by

    from hub.vendors.nkeys import LIVE
    from hub.vendors.tables import vendor_nkeys, vendors

    v, n = vendors.c, vendor_nkeys.c
    nkeys = func.array_agg(aggregate_order_by(n.nkey, n.created_at.desc(), n.nkey), type_=ARRAY(Text)).filter(n.nkey.is_not(None))
    none = literal([], ARRAY(Text))
    query = (
        select(v.code, func.coalesce(nkeys, none).label("nkeys"), v.embedded_spoke, v.spoke_config)
        .outerjoin(vendor_nkeys, (n.vendor == v.code) & LIVE)
        .where(v.state != "closed")
        .group_by(v.code)
        .having(v.embedded_spoke.is_not(None) | (func.count(n.nkey) > 0))
        .order_by(v.code)
    )
    async with engine.connect() as connection:
        return [
            SpokeVendor(code=row.code, nkeys=row.nkeys, embedded_spoke=row.embedded_spoke, spoke_config=row.spoke_config)
            for row in await connection.execute(query)
        ]


def accounts(vendors: Sequence[SpokeVendor], folder: Folder | None) -> list[VendorAccount]:
    """Their accounts. A spoke that runs here signs in with a key made here, beside its vendor's own."""
    found: list[VendorAccount] = []
    for vendor in vendors:
        made = [public_of(_seed(vendor.code, folder).read_text().strip())] if vendor.embedded_spoke and folder else []
        if nkeys := [*made, *vendor.nkeys]:
            found.append(VendorAccount(vendor.code, nkeys[0], tuple(nkeys[1:])))
    return found


def end_spokes(vendors: Sequence[SpokeVendor], folder: Folder) -> None:
    """Take away the settings of spokes whose vendors have none any more, or are gone: the process that runs them ends them."""
    kept = {f"{vendor.code}.toml" for vendor in vendors if vendor.embedded_spoke}
    for path in folder.spoke_configs.glob("*.toml"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


async def give_key(database_url: str, code: str, folder: Folder) -> None:
    """A key for the vendor API, of reading alone, for a hosted vendor whose spoke has none here that works."""
    from hub.runtime import auth
    from hub.runtime.database import Actor, Database
    from hub.vendors import store
    from hub.vendors.states import VENDOR

    path = _key(code, folder)
    database = Database(database_url, pool_size=1)
    try:
        async with database.tx() as tx:
            await store.lock(tx, code)
            if (path.exists() and await auth.find(tx, path.read_text()) is not None) or (await store.get(tx, code)).state in VENDOR.ends:
                return
            issued = await auth.issue_key(tx, Actor("vendor", code), READING, "our spoke")
    finally:
        await database.close()
    write_private(path, issued.key.encode())


def write_spoke(vendor: SpokeVendor, folder: Folder, nats_url: str, hub_url: str) -> None:
    """The settings file of a vendor's spoke; the process that runs the spokes finds it by itself."""
    adapter = vendor.embedded_spoke
    if adapter is None:
        return
    ours = {"base_url": hub_url, "api_key_file": str(_key(vendor.code, folder))} if adapter == HOSTED else {}
    path = folder.spoke_configs / f"{vendor.code}.toml"
    lines = [
        f"vendor = {_toml(vendor.code)}",
        f"adapter = {_toml(adapter)}",
        "",
        "[nats]",
        f"url = {_toml(nats_url)}",
        f"seed_file = {_toml(str(_seed(vendor.code, folder)))}",
        "",
        "[config]",
        *(f"{_toml(key)} = {_toml(value)}" for key, value in sorted((ours | vendor.spoke_config).items()) if value is not None),
        "",
    ]
    text = "\n".join(lines).encode()
    if not path.exists() or path.read_bytes() != text:
        write_private(path, text)


def _key(code: str, folder: Folder) -> Path:
    return folder.spoke_seeds / f"{code}.key"


def _seed(code: str, folder: Folder) -> Path:
    path = folder.spoke_seeds / f"{code}.nk"
    if not path.exists():
        write_private(path, new_seed().encode())
    return path


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(inner)}" for key, inner in cast("dict[str, object]", value).items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(inner) for inner in cast("list[object]", value)) + "]"
    return json.dumps(value, ensure_ascii=True)  # TOML writes text, numbers and booleans as JSON does
