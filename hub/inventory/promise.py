"""Stock promised to orders: on hand → reserved in the placing transaction → shipped, or back; and what was shipped and came back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, bindparam, select, update

from hub.catalog.model import Offer
from hub.catalog.store import OFFER, WITH_PRODUCT, offers_by_id
from hub.catalog.tables import offers
from hub.inventory.tables import stock
from hub.kernel.errors import Conflict
from hub.runtime.database import Tx
from hub.runtime.together import Locked, Moved


class Demand(msgspec.Struct, frozen=True):
    """Units of one offer."""

    offer_id: str
    quantity: int


def _summed(demands: Sequence[Demand]) -> list[Demand]:
    """One demand per offer, in the one order in which everybody locks stock rows, so that nobody deadlocks."""
    total: dict[str, int] = {}
    for demand in demands:
        total[demand.offer_id] = total.get(demand.offer_id, 0) + demand.quantity
    return [Demand(offer_id, total[offer_id]) for offer_id in sorted(total)]


_s = stock.c
_UNITS = bindparam("units", type_=BigInteger)
_ONE = update(stock).where(_s.offer_id == bindparam("offer"))
_TAKE = _ONE.values(on_hand=_s.on_hand - _UNITS, reserved=_s.reserved + _UNITS)
_PROMISE = _TAKE.where(_s.on_hand >= _UNITS)
_WITHDRAW = _ONE.values(on_hand=_s.on_hand + _UNITS, reserved=_s.reserved - _UNITS)
_FORGET = _ONE.values(received=_s.received - _UNITS, reserved=_s.reserved - _UNITS)
_SHIP = _ONE.values(reserved=_s.reserved - _UNITS, shipped=_s.shipped + _UNITS)
_TAKE_BACK = _ONE.values(on_hand=_s.on_hand + _UNITS, received=_s.received + _UNITS)
_LOCK = (
    select(_s.offer_id, _s.on_hand, _s.counted_at)
    .where(_s.offer_id.in_(bindparam("offers", expanding=True)))
    .order_by(_s.offer_id)
    .with_for_update()
)


class OnShelf(Offer, frozen=True, kw_only=True):
    """An offer, and how many units of it are for sale."""

    on_hand: int


_SEEN = (
    select(*OFFER, _s.on_hand)
    .select_from(WITH_PRODUCT.join(stock, _s.offer_id == offers.c.id))
    .where(_s.offer_id.in_(bindparam("offers", expanding=True)))
    .order_by(_s.offer_id)
)
_HELD = _SEEN.with_for_update(of=stock)


class Shelf:
    """Offers and their stock as one transaction sees it: who comes first takes first, and all of it is written at once, with `keep`."""

    def __init__(self, found: Sequence[OnShelf], bare: Mapping[str, Offer], locked: Locked) -> None:
        """`bare` are offers without stock."""
        self.offers: Mapping[str, Offer] = {**bare, **{each.id: each for each in found}}
        self._left = {each.id: each.on_hand for each in found}
        self.taken: dict[str, int] = {}
        self.locked = locked

    def take(self, demands: Sequence[Demand]) -> None:
        """Promise units. Raises `Conflict` (``sold_out``) naming the offer; then nothing is taken."""
        summed = _summed(demands)
        for demand in summed:
            if self._left.get(demand.offer_id, 0) < demand.quantity:
                raise _sold_out(demand)
        for demand in summed:
            self._left[demand.offer_id] -= demand.quantity
            self.taken[demand.offer_id] = self.taken.get(demand.offer_id, 0) + demand.quantity


def _sold_out(demand: Demand) -> Conflict:
    return Conflict("sold_out", f"fewer than {demand.quantity} units of {demand.offer_id} are left", offer_id=demand.offer_id)


async def shelf(tx: Tx, offer_ids: Collection[str], locked: Locked) -> Shelf:
    """These offers with their stock, locked in the one order, at once or in `keep`; unknown ids are left out."""
    wanted = set(offer_ids)
    found = await tx.all(_HELD if locked == "first" else _SEEN, OnShelf, {"offers": sorted(wanted)})
    bare = wanted - {each.id for each in found}  # of some nobody has told yet how many there are: none
    return Shelf(found, await offers_by_id(tx, bare) if bare else {}, locked)


async def keep(tx: Tx, shelf: Shelf) -> None:
    """Write all that was taken from a shelf of this transaction, once. Raises `Moved` where by now there is less than was seen."""
    if shelf.locked == "last" and shelf.taken:
        left = await lock(tx, shelf.taken)
        if any(left[offer_id] < units for offer_id, units in shelf.taken.items()):
            raise Moved
    for offer_id, units in shelf.taken.items():
        tx.later(_TAKE, offer_id, {"offer": offer_id, "units": units}, reckons=True)


async def promise(tx: Tx, demands: Sequence[Demand]) -> None:
    """Take units out of what is for sale. Raises `Conflict` (``sold_out``) naming the offer; then nothing is taken."""
    for demand in _summed(demands):
        if not await tx.execute(_PROMISE, {"offer": demand.offer_id, "units": demand.quantity}):
            raise _sold_out(demand)


async def lock(tx: Tx, offer_ids: Collection[str]) -> dict[str, int]:
    """Take stock rows in the one order, for a transaction that will change them in another; how many units of each are for sale."""
    return {row.offer_id: row.on_hand for row in await tx.rows(_LOCK, {"offers": sorted(set(offer_ids))})}


async def counted_since(tx: Tx, offer_ids: Collection[str], moment: datetime) -> set[str]:
    """Those of these offers that their vendor has counted at that moment or later; their stock rows are locked."""
    return {row.offer_id for row in await tx.rows(_LOCK, {"offers": sorted(set(offer_ids))}) if row.counted_at >= moment}


async def withdraw(tx: Tx, demands: Sequence[Demand], *, counted: Collection[str] = ()) -> None:
    """Give promised units back for sale; those of offers in `counted` are for sale already, for the vendor's own count holds them."""
    for demand in _summed(demands):
        how = _FORGET if demand.offer_id in counted else _WITHDRAW
        await tx.execute(how, {"offer": demand.offer_id, "units": demand.quantity})


async def ship(tx: Tx, demands: Sequence[Demand]) -> None:
    """Promised units have left the vendor's house."""
    for demand in _summed(demands):
        await tx.execute(_SHIP, {"offer": demand.offer_id, "units": demand.quantity})


async def take_back(tx: Tx, demands: Sequence[Demand], *, counted: Collection[str] = ()) -> None:
    """Units that were shipped are back and for sale again: they count as received once more, what was shipped stays shipped.

    Those of offers in `counted` are so already: the vendor's own count holds them.
    """
    for demand in _summed(demands):
        if demand.offer_id not in counted:
            await tx.execute(_TAKE_BACK, {"offer": demand.offer_id, "units": demand.quantity})
