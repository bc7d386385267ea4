"""The only reader and writer of vendors' own promises."""

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from hub.promises.model import OwnPromises
from hub.promises.tables import vendor_promises
from hub.runtime.database import Tx

NONE = OwnPromises()

_p = vendor_promises.c
_OF = select(_p.vendor, _p.version, _p.own).where(_p.vendor.in_(bindparam("vendors", expanding=True)))
_put = insert(vendor_promises).values(vendor=bindparam("of_vendor"), version=1, own=bindparam("said", type_=_p.own.type))
_PUT = _put.on_conflict_do_update(
    index_elements=[_p.vendor], set_={"version": _p.version + 1, "own": _put.excluded.own, "changed_at": func.now()}
)


async def own_of(tx: Tx, vendors: Collection[str]) -> Mapping[str, OwnPromises]:
    """What these vendors themselves have promised."""
    found = {row.vendor: msgspec.convert(row.own, OwnPromises) for row in await tx.rows(_OF, {"vendors": sorted(set(vendors))})}
    return {vendor: found.get(vendor, NONE) for vendor in vendors}


async def get(tx: Tx, vendor: str) -> tuple[OwnPromises, int]:
    """A vendor's own promises and their version; 0 if it never had any."""
    row = await tx.row(_OF, {"vendors": [vendor]})
    return (NONE, 0) if row is None else (msgspec.convert(row.own, OwnPromises), row.version)


async def put(tx: Tx, vendor: str, own: OwnPromises) -> None:
    """Keep a vendor's promises under the next version. The vendor must be locked."""
    await tx.execute(_PUT, {"of_vendor": vendor, "said": msgspec.to_builtins(own)})
