"""What a vendor did not do, or not in time, is noted on its part, and fined or rewarded by rule."""

from datetime import datetime, timedelta

from hub.adjustments.adjust import adjust
from hub.adjustments.rules import Occasion
from hub.checkout.reroute import SILENT
from hub.checkout.timing import Timing
from hub.orders import store
from hub.orders.model import Order, SubOrder
from hub.promises.figures import Lapse
from hub.runtime import alarms
from hub.runtime.database import Tx
from hub.runtime.steps import Outcome, Step


def lapse_of(tx: Tx, reason: str) -> Lapse:
    """Whether a part was declined by its vendor, or by time. A vendor that says one of our words has said something."""
    return "no_answer" if tx.actor.kind == "hub" and reason in SILENT else "declined"


async def lapsed(tx: Tx, timing: Timing, order: Order, sub: SubOrder, lapse: Lapse) -> None:
    """Note what a vendor did not do with its part."""
    store.note(tx, sub, lapse=lapse)
    await _occasion(tx, timing, order, sub, lapse)


async def said_at(tx: Tx, outcome: Outcome) -> datetime:
    """When an answer was given: what was long on its way to us is no fault of the vendor."""
    now = await tx.now()
    return now if outcome.at is None else min(outcome.at, now)


async def fair_by(tx: Tx, step: Step, by: datetime) -> datetime:
    """Until when a promise was to be kept: no vendor's time runs before it was asked."""
    return by + await alarms.slip(tx, step)


async def shipped(tx: Tx, timing: Timing, order: Order, step: Step, at: datetime) -> None:
    """A part has left at `at`: in time, early or late."""
    sub = order.part(step.subject_id)
    if sub.ship_by is None:  # asked before there were promises
        return
    by = sub.ship_by
    if by < at and (fair := await fair_by(tx, step, by)) != by:
        store.note(tx, sub, ship_by=fair)
        by = fair
    await _occasion(tx, timing, order, sub, "shipped_late" if by < at else "shipped_early", at - by)


async def delivered(tx: Tx, timing: Timing, order: Order, step: Step, at: datetime) -> None:
    """A part has arrived at `at`: in time or late."""
    sub = order.part(step.subject_id)
    if sub.deliver_by is None or at <= sub.deliver_by:
        return
    by = await fair_by(tx, step, sub.deliver_by)
    if by != sub.deliver_by:
        store.note(tx, sub, deliver_by=by)
    if by < at:
        await _occasion(tx, timing, order, sub, "delivered_late", at - by)


async def _occasion(tx: Tx, timing: Timing, order: Order, sub: SubOrder, occasion: Occasion, lateness: timedelta = timedelta(0)) -> None:
    await adjust(
        tx,
        timing.adjustments,
        occasion,
        vendor=sub.vendor,
        order_id=order.id,
        sub_order_id=sub.id,
        currency=order.currency,
        total=sub.total,
        lateness_seconds=lateness.total_seconds(),
    )
