"""How vendors stand towards buyers now: on which terms they sell and ship, what may be expected of their spokes; read in one look."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, Select, bindparam, select

from hub.kernel.money import Money
from hub.liveness.rules import Presence, Prospect, Signs, Watch, health, prospect
from hub.liveness.tables import vendor_liveness
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET
from hub.vendors import store as vendors
from hub.vendors.model import ShippingOption
from hub.vendors.tables import shipping_options
from hub.vendors.tables import vendors as _vendors


class Shipper(NamedTuple):
    """A vendor and the ways in which it ships, cheapest first."""

    presence: Presence
    options: list[ShippingOption]


_theirs, _ours = vendor_liveness.alias("theirs"), vendor_liveness.alias("ours")
_PRESENCES = (
    select(
        *vendors.TERMS,
        _theirs.c.breakers,
        _theirs.c.oldest_seconds,
        _theirs.c.seen_at,
        _theirs.c.busy_at,
        _ours.c.since.label("listening_since"),
        _ours.c.seen_at.label("listening_until"),
    )
    .select_from(_vendors.outerjoin(_theirs, _theirs.c.vendor == _vendors.c.code).outerjoin(_ours, _ours.c.vendor == bindparam("us")))
    .where(_vendors.c.code.in_(bindparam("codes", expanding=True)))
)


_o = shipping_options.c
_SHIPPERS = (
    _PRESENCES.add_columns(
        _o.code.label("option"), _o.name.label("option_name"), _o.price.label("price"), _o.currency.label("currency"), _o.days.label("days")
    )
    .outerjoin(shipping_options, _o.vendor == _vendors.c.code)
    .order_by(_o.price, _o.code)
)


async def presences(tx: Tx, watch: Watch, codes: Collection[str]) -> dict[str, Presence]:
    """These vendors, by code; unknown codes are left out."""
    return {row.code: _presence(row, watch) for row in await _rows(tx, _PRESENCES, codes)}


async def shippers(tx: Tx, watch: Watch, codes: Collection[str]) -> dict[str, Shipper]:
    """These vendors with how they ship, by code; unknown codes are left out."""
    found: dict[str, Shipper] = {}
    for row in await _rows(tx, _SHIPPERS, codes):
        vendor = found[row.code] = found.get(row.code) or Shipper(_presence(row, watch), [])
        if row.option is not None:
            price = Money(amount=row.price, currency=row.currency)
            vendor.options.append(ShippingOption(code=row.option, name=row.option_name, price=price, days=row.days))
    return found


async def _rows(tx: Tx, query: Select[Any], codes: Collection[str]) -> Sequence[Row[Any]]:
    return await tx.rows(query, {"codes": sorted(set(codes)), "us": HUB_TARGET})


def _presence(row: Row[Any], watch: Watch) -> Presence:
    found = msgspec.convert(row, Presence, from_attributes=True)
    if row.seen_at is None or row.listening_until is None:  # it has no spoke, or nobody has listened yet
        return found
    signs = Signs(
        silent_since=max(row.seen_at, row.listening_since),
        heard_until=row.listening_until,
        breakers=row.breakers,
        busy_at=row.busy_at,
        oldest_seconds=row.oldest_seconds,
    )
    expected = prospect(health(signs, watch), row.breakers, watch)
    return found if expected == Prospect() else msgspec.structs.replace(found, prospect=expected)
