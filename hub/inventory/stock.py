"""Stock as vendors state it and others look at it (promises to orders are in `promise`)."""

from collections.abc import Collection, Mapping

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from hub.inventory.tables import stock
from hub.runtime.database import Tx


async def receive(tx: Tx, offer_id: str, quantity: int) -> None:
    """`quantity` more units are on hand."""
    fresh = insert(stock).values(offer_id=offer_id, on_hand=quantity, received=quantity)
    s = stock.c
    await tx.execute(
        fresh.on_conflict_do_update(index_elements=[s.offer_id], set_={"on_hand": s.on_hand + quantity, "received": s.received + quantity})
    )


async def set_on_hand(tx: Tx, counts: Mapping[str, int]) -> None:
    """The vendor has counted: so many units of each offer are for sale, beside those promised and shipped."""
    s = stock.c
    known = {row.offer_id: row.on_hand for row in await tx.rows(select(s.offer_id, s.on_hand).where(s.offer_id.in_(sorted(counts))))}
    fresh = [{"offer_id": offer_id, "on_hand": count, "received": count} for offer_id, count in counts.items() if offer_id not in known]
    if fresh:
        await tx.execute(insert(stock), fresh)
    # In the one order in which everybody locks stock rows, so that nobody deadlocks.
    for offer_id in sorted(known):
        if known[offer_id] != counts[offer_id]:
            count = counts[offer_id]
            await tx.execute(update(stock).where(s.offer_id == offer_id).values(on_hand=count, received=count + s.reserved + s.shipped))


async def on_hand(tx: Tx, offer_ids: Collection[str]) -> dict[str, int]:
    """Units for sale of each offer; unknown ones are left out."""
    s = stock.c
    return {row.offer_id: row.on_hand for row in await tx.rows(select(s.offer_id, s.on_hand).where(s.offer_id.in_(sorted(set(offer_ids)))))}
