"""Posts fines and bonuses to vendors, by rule or by hand, and takes them back."""

from collections.abc import Sequence

import msgspec

from hub.adjustments import store
from hub.adjustments.rules import AdjustmentRule, Case, due
from hub.adjustments.store import NewAdjustment, Posted
from hub.kernel.errors import Conflict
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Posting
from hub.runtime.database import Tx
from hub.runtime.life import Move, record

LIFE = "adjustment"


async def adjust(  # noqa: PLR0913  # one occasion, all by name
    tx: Tx,
    rules: Sequence[AdjustmentRule],
    occasion: str,
    *,
    vendor: str,
    order_id: str,
    sub_order_id: str,
    currency: str,
    total: int,
    lateness_seconds: float = 0.0,
) -> None:
    """Post what the rules make of an occasion of a sub-order, each rule once however often it is told.

    `total` is what the buyer paid for the sub-order, minor units; `lateness_seconds` is negative where something came early.
    """
    if not rules:
        return
    case = Case(occasion=occasion, vendor=vendor, at=await tx.now(), currency=currency, total=total, lateness_seconds=lateness_seconds)
    for found in due(rules, case):
        await post(
            tx,
            NewAdjustment(
                vendor=vendor,
                kind=found.rule.kind,
                amount=found.amount,
                currency=currency,
                reason=occasion,
                rule=found.rule.name,
                order_id=order_id,
                sub_order_id=sub_order_id,
            ),
        )


async def post(tx: Tx, new: NewAdjustment) -> str | None:
    """Post one, with its row and its moment in the timeline; its id, or None if its rule was applied to this sub-order before."""
    adjustment_id = await store.add(tx, new)
    if adjustment_id is None:
        return None
    moves = recipes.adjust(new.kind, new.vendor, new.amount, new.currency)
    await ledger.post(tx, "adjustment", cause=adjustment_id, order_id=new.order_id, vendor=new.vendor, moves=moves)
    _tell(tx, adjustment_id, new, "post", new.reason)
    return adjustment_id


async def waive(tx: Tx, adjustment_id: str, *, vendor: str, why: str) -> Posted:
    """Post the opposite, once. Raises `NotFound`, `Conflict` (``already_waived``)."""
    posted = await store.get(tx, adjustment_id, vendor=vendor)
    if not await store.waive(tx, adjustment_id, why):
        raise Conflict("already_waived", "it was waived before", waived_at=posted.waived_at)
    moves = [
        Posting(move.destination, move.source, move.amount, move.currency)
        for move in recipes.adjust(posted.kind, posted.vendor, posted.amount, posted.currency)
    ]
    await ledger.post(tx, "adjustment_waived", cause=adjustment_id, order_id=posted.order_id, vendor=posted.vendor, moves=moves)
    _tell(tx, adjustment_id, posted, "waive", why)
    return await store.get(tx, adjustment_id, vendor=vendor)


def _tell(tx: Tx, adjustment_id: str, what: NewAdjustment, event: str, reason: str) -> None:
    """Into the order's timeline, or the vendor's where it is of no order."""
    after = {"post": "posted", "waive": "waived"}[event]
    data = {name: value for name, value in msgspec.to_builtins(what).items() if name in {"vendor", "kind", "amount", "currency", "rule"}}
    record(
        tx,
        Move(
            life=LIFE,
            subject_id=adjustment_id,
            saga_id=what.order_id or what.vendor,
            event=event,
            before=None if event == "post" else "posted",
            after=after,
            reason=reason,
            data=data,
        ),
    )
