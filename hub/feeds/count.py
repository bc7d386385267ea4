"""Takes a vendor's own counts: what is for sale here is what it has free, less what it cannot know of yet."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, select

from hub.inventory import stock
from hub.orders.set_aside import set_aside_by
from hub.orders.tables import lines, sub_orders
from hub.runtime.database import Tx

HOLDING = ("placed", "reserved", "routed", "accepted", "recalling")
"""States of a sub-order whose units are promised here."""


async def count(tx: Tx, counts: Mapping[str, int], at: datetime) -> tuple[set[str], set[str]]:
    """Set what is for sale by units that the vendor had free `at` that moment, by offer: the offers that changed, and the stale ones.

    The count holds the units of promises that the vendor had not set aside by then; they are taken off, never below
    nothing. What it had set aside, it has left out itself. What we cannot know counts as not set aside: too little is for sale
    until the next count, never too much. A count that is not newer than the one before is stale.
    """
    known = await stock.last_counts(tx, counts)  # locked: nothing is promised between here and the new figures
    stale = {offer_id for offer_id, last in known.items() if last.counted_at >= at}
    fresh = counts.keys() - stale
    promised = await _not_set_aside(tx, [offer_id for offer_id in fresh if offer_id in known and known[offer_id].reserved], at)
    on_hand = {offer_id: max(0, counts[offer_id] - promised.get(offer_id, 0)) for offer_id in fresh}
    await stock.set_on_hand(tx, on_hand, at)
    changed = {offer_id for offer_id in fresh if offer_id not in known or known[offer_id].on_hand != on_hand[offer_id]}
    return changed, stale


async def _not_set_aside(tx: Tx, offer_ids: Collection[str], at: datetime) -> dict[str, int]:
    """Units promised here that their vendor had not told to be set aside by then, by offer."""
    if not offer_ids:
        return {}
    query = (
        select(lines.c.offer_id, func.sum(lines.c.quantity).label("units"))
        .select_from(lines.join(sub_orders, sub_orders.c.id == lines.c.sub_order_id))
        .where(lines.c.offer_id.in_(sorted(offer_ids)), sub_orders.c.state.in_(HOLDING), ~set_aside_by(at))
        .group_by(lines.c.offer_id)
    )
    return {row.offer_id: int(row.units) for row in await tx.rows(query)}
