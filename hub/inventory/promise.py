"""Stock promised to orders: on hand → reserved in the placing transaction → shipped, or back."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import select, update

from hub.inventory.tables import stock
from hub.kernel.errors import Conflict
from hub.runtime.database import Tx


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


async def promise(tx: Tx, demands: Sequence[Demand]) -> None:
    """Take units out of what is for sale. Raises `Conflict` (``sold_out``) naming the offer; then nothing is taken."""
    for demand in _summed(demands):
        s = stock.c
        taken = await tx.execute(
            update(stock)
            .where(s.offer_id == demand.offer_id, s.on_hand >= demand.quantity)
            .values(on_hand=s.on_hand - demand.quantity, reserved=s.reserved + demand.quantity)
        )
        if not taken:
            raise Conflict("sold_out", f"fewer than {demand.quantity} units of {demand.offer_id} are left", offer_id=demand.offer_id)


async def lock(tx: Tx, offer_ids: Collection[str]) -> None:
    """Take stock rows in the one order, for a transaction that will change them in another."""
    s = stock.c
    await tx.execute(select(s.offer_id).where(s.offer_id.in_(sorted(set(offer_ids)))).order_by(s.offer_id).with_for_update())


async def withdraw(tx: Tx, demands: Sequence[Demand]) -> None:
    """Give promised units back for sale."""
    for demand in _summed(demands):
        s = stock.c
        await tx.execute(
            update(stock)
            .where(s.offer_id == demand.offer_id)
            .values(on_hand=s.on_hand + demand.quantity, reserved=s.reserved - demand.quantity)
        )


async def ship(tx: Tx, demands: Sequence[Demand]) -> None:
    """Promised units have left the vendor's house."""
    for demand in _summed(demands):
        s = stock.c
        await tx.execute(
            update(stock)
            .where(s.offer_id == demand.offer_id)
            .values(reserved=s.reserved - demand.quantity, shipped=s.shipped + demand.quantity)
        )
