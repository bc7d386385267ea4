"""The only reader and writer of vendors and their shipping options (states go through `advance`)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, and_, bindparam, delete, false, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.kernel.errors import NotFound
from hub.kernel.money import Money
from hub.runtime.auth import api_keys
from hub.runtime.database import Tx
from hub.runtime.life import timeline
from hub.vendors.model import NewVendor, ShippingOption, Terms, Vendor
from hub.vendors.states import VendorState
from hub.vendors.tables import shipping_options, vendors

_VENDOR = [vendors.c[name] for name in Vendor.__struct_fields__ if name != "shipping_options"]
_AWAY = and_(vendors.c.vacation_from <= func.now(), vendors.c.vacation_until > func.now())
SELLS = and_(vendors.c.state == VendorState.ACTIVE, ~func.coalesce(_AWAY, false()))
"""Whether a vendor's offers are for sale, as `Terms.sells` says."""
TERMS = [
    *(vendors.c[name] for name in Terms.__struct_fields__ if name != "on_vacation"),
    func.coalesce(_AWAY, false()).label("on_vacation"),
]
"""The columns of `Terms`."""


async def add(tx: Tx, new: NewVendor) -> bool:
    """Insert a vendor, as invited, and its options; False if the code is taken."""
    fresh = await tx.execute(
        pg_insert(vendors)
        .values(
            code=new.code,
            name=new.name,
            country=new.country,
            nkey_public=new.nkey_public,
            connected_account=new.connected_account,
            capabilities=sorted(set(new.capabilities)),
            embedded_spoke=new.embedded_spoke,
            spoke_config=new.spoke_config,
            commission_bps=new.commission_bps,
            hold_seconds=new.hold_seconds,
        )
        .on_conflict_do_nothing()
    )
    if fresh:
        await add_options(tx, new.code, new.shipping_options)
    return bool(fresh)


async def add_options(tx: Tx, code: str, options: Sequence[ShippingOption]) -> None:
    """Insert the ways in which a vendor ships."""
    if options:
        await tx.execute(insert(shipping_options), [_option_row(code, option) for option in options])


async def equip(tx: Tx, code: str, *, nkey_public: str | None, capabilities: Sequence[str], **spoke: Any) -> None:
    """Note by what a vendor is reached: its newest nkey, what its spoke can, and `embedded_spoke` and `spoke_config` where given."""
    mine = update(vendors).where(vendors.c.code == code)
    await tx.execute(mine.values(nkey_public=nkey_public, capabilities=list(capabilities), version=vendors.c.version + 1, **spoke))


async def get(tx: Tx, code: str) -> Vendor:
    """One vendor. Raises `NotFound` (``unknown_vendor``)."""
    row = await tx.row(select(*_VENDOR).where(vendors.c.code == code))
    if row is None:
        raise NotFound("unknown_vendor", f"no vendor {code}")
    return _vendor(row, (await options_of(tx, [code])).get(code, []))


async def find_all(tx: Tx, *, state: VendorState | None = None, after: str | None, limit: int) -> list[Vendor]:
    """Vendors by code, those after the code `after`."""
    query = select(*_VENDOR).order_by(vendors.c.code).limit(limit)
    query = query if state is None else query.where(vendors.c.state == state)
    found = await tx.rows(query if after is None else query.where(vendors.c.code > after))
    options = await options_of(tx, [row.code for row in found])
    return [_vendor(row, options.get(row.code, [])) for row in found]


_TERMS_OF = select(*TERMS).where(vendors.c.code.in_(bindparam("codes", expanding=True)))


async def terms_of(tx: Tx, codes: Collection[str]) -> dict[str, Terms]:
    """The terms of these vendors, by code; unknown codes are left out."""
    return {row.code: _terms(row) for row in await tx.rows(_TERMS_OF, {"codes": sorted(set(codes))})}


async def all_terms(tx: Tx) -> list[Terms]:
    """The terms of every vendor, for what runs over all of them (streams, consumers, spokes)."""
    return [_terms(row) for row in await tx.rows(select(*TERMS).order_by(vendors.c.code))]


_o = shipping_options.c
_OPTIONS_OF = select(shipping_options).where(_o.vendor.in_(bindparam("codes", expanding=True))).order_by(_o.price, _o.code)


async def options_of(tx: Tx, codes: Collection[str]) -> dict[str, list[ShippingOption]]:
    """The shipping options of these vendors, cheapest first."""
    options: dict[str, list[ShippingOption]] = {}
    for row in await tx.rows(_OPTIONS_OF, {"codes": sorted(set(codes))}):
        option = ShippingOption(code=row.code, name=row.name, price=Money(amount=row.price, currency=row.currency), days=row.days)
        options.setdefault(row.vendor, []).append(option)
    return options


async def options_told_at(tx: Tx, code: str) -> datetime | None:
    """As of when the vendor's shipping options were told; None if it has none."""
    return await tx.scalar(select(func.max(_o.told_at)).where(_o.vendor == code))


async def replace_options(tx: Tx, code: str, options: Sequence[ShippingOption], at: datetime, *, changed: bool) -> None:
    """These are all the ways in which a vendor ships, as of `at`; it is another version of the vendor if that `changed` any."""
    await tx.execute(delete(shipping_options).where(_o.vendor == code))
    await tx.execute(insert(shipping_options), [{**_option_row(code, option), "told_at": at} for option in options])
    if changed:
        await tx.execute(update(vendors).where(vendors.c.code == code).values(version=vendors.c.version + 1))


async def lock(tx: Tx, code: str) -> None:
    """Let nobody else change this vendor or what it sells until the transaction ends; foreign keys still may point at it."""
    await tx.execute(select(vendors.c.code).where(vendors.c.code == code).with_for_update(key_share=True))


async def embedded_spokes(tx: Tx) -> Sequence[Row[Any]]:
    """(code, nkey_public, embedded_spoke, spoke_config) of every vendor that `hub run` runs a spoke for."""
    v = vendors.c
    query = select(v.code, v.nkey_public, v.embedded_spoke, v.spoke_config)
    return await tx.rows(query.where(v.embedded_spoke.is_not(None), v.state != VendorState.CLOSED).order_by(v.code))


async def broker_accounts(tx: Tx) -> Sequence[Row[Any]]:
    """(code,) of every vendor with an account on the broker: of its own nkey, or for the spoke that `hub run` runs for it."""
    v = vendors.c
    has_one = v.nkey_public.is_not(None) | v.embedded_spoke.is_not(None)
    return await tx.rows(select(v.code).where(has_one, v.state != VendorState.CLOSED).order_by(v.code))


_WAS_ACTIVE = select(timeline.c.seq).where(
    timeline.c.life == "vendor", timeline.c.subject_id == bindparam("code"), timeline.c.to_state == VendorState.ACTIVE
)


async def was_active(tx: Tx, code: str) -> bool:
    """Whether a vendor has ever sold through us, or could have."""
    return await tx.scalar(_WAS_ACTIVE.limit(1), {"code": code}) is not None


_NOT_PAID = (VendorState.INVITED, VendorState.CLOSED)
"""Who has not joined needs no account, who has left no longer."""


_v = vendors.c
_JOINED = select(api_keys.c.id).where(api_keys.c.kind == "vendor", api_keys.c.subject == _v.code).exists()
"""Not so where an invitation was taken back."""
_NO_ACCOUNT = (
    select(_v.code, _v.name, _v.country)
    .where(_v.connected_account.is_(None) & _v.state.not_in(_NOT_PAID) & ((_v.state != VendorState.CLOSING) | _JOINED))
    .order_by(func.random())
    .limit(bindparam("most"))
)


async def without_connected_account(tx: Tx, limit: int) -> Sequence[Row[Any]]:
    """(code, name, country) of vendors that cannot be paid yet; any of them, so that those who cannot be helped bar nobody's way."""
    return await tx.rows(_NO_ACCOUNT, {"most": limit})


async def set_connected_account(tx: Tx, code: str, account: str) -> bool:
    """Note where a vendor is paid; False if it already has an account."""
    v = vendors.c
    mine = update(vendors).where(v.code == code, v.connected_account.is_(None))
    return await tx.execute(mine.values(connected_account=account)) == 1


def _option_row(vendor: str, option: ShippingOption) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "code": option.code,
        "name": option.name,
        "price": option.price.amount,
        "currency": option.price.currency,
        "days": option.days,
    }


def _vendor(row: Row[Any], options: list[ShippingOption]) -> Vendor:
    return msgspec.structs.replace(msgspec.convert(row, Vendor, from_attributes=True), shipping_options=options)


def _terms(row: Row[Any]) -> Terms:
    return msgspec.convert(row, Terms, from_attributes=True)
