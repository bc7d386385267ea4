"""What an answer sets in motion: one handler per kind of step, all in the transaction that records the answer."""

from collections.abc import Awaitable, Callable

import msgspec

from hub.checkout import course
from hub.checkout.course import share
from hub.checkout.timing import Timing
from hub.fulfillment import reserve, route, ship
from hub.orders import store
from hub.orders.advance import advance
from hub.orders.states import SubOrderEvent, SubOrderState
from hub.orders.store import Order
from hub.payments import authorize, capture, refund
from hub.payments import store as payments
from hub.payouts import transfer
from hub.runtime import dead_letters, steps
from hub.runtime.database import Tx
from hub.runtime.steps import Outcome, Step, Verdict
from hub.vendors import store as vendors
from vendor_sdk.messages import Parcel

_S = SubOrderState


async def conclude(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> bool:
    """Record an answer and everything that follows from it; False if the step had ended before, when nothing follows.

    The order's row is locked first, so that answers to one order are applied one after the other.
    """
    await store.lock(tx, step.saga_id)
    order = await store.load(tx, step.saga_id)
    if outcome.verdict is Verdict.PENDING:
        await steps.ask_again(tx, step.id, timing.ask_again)
        return False
    if not await steps.end(tx, step.id, outcome):
        return False
    if outcome.verdict is Verdict.DEAD:
        await dead_letters.keep_step(tx, step, outcome)
    await _ON[step.kind](tx, timing, order, step, outcome)
    if order.course == "forward":
        await course.proceed(tx, timing, order.id)
    return True


async def _reserve(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await advance(tx, step.subject_id, SubOrderEvent.RESERVE)
    else:
        await _decline(tx, order, step, outcome)


async def _submit(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await advance(tx, step.subject_id, SubOrderEvent.ACCEPT)
    else:
        await _decline(tx, order, step, outcome)


async def _decline(tx: Tx, order: Order, step: Step, outcome: Outcome) -> None:
    if order.on_shortage == "cancel":
        await course.lock_stock(tx, order)
    await course.fall(tx, order, order.part(step.subject_id), SubOrderEvent.DECLINE, outcome.reason)
    if order.on_shortage == "cancel":
        await course.undo(tx, await store.load(tx, order.id), SubOrderEvent.CANCEL, "shortage")


async def _authorize(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await authorize.authorized(tx, step, outcome)
    elif outcome.reason == "expired":
        await course.undo(tx, order, SubOrderEvent.EXPIRE, "payment_expired")
    else:
        await authorize.declined(tx, step, outcome)
        await course.undo(tx, order, SubOrderEvent.CANCEL, "payment_declined")


async def _void(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await authorize.close(tx, order.id, str(step.payload["reason"]))
    elif outcome.verdict is Verdict.REFUSED:
        await dead_letters.keep_step(tx, step, outcome)


async def _capture(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await capture.captured(tx, step, outcome, [share(sub) for sub in course.standing(order)])
    elif outcome.verdict is Verdict.REFUSED:
        await course.undo(tx, order, SubOrderEvent.CANCEL, "capture_failed")


async def _recall(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    sub = order.part(step.subject_id)
    if sub.state is not _S.RECALLING:
        return
    if outcome.verdict is Verdict.OK:
        await course.stop(tx, order, sub, sub.reason or "canceled")
    else:  # kept, or given up on: it stands, and may be asked to stop again
        await advance(tx, sub.id, SubOrderEvent.KEEP, reason=outcome.reason)


async def _ship(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    sub = order.part(step.subject_id)
    if outcome.verdict is Verdict.OK:
        parcels = msgspec.convert(outcome.data["parcels"], list[Parcel])
        await ship.shipped(tx, sub, parcels)
        terms = (await vendors.terms_of(tx, [sub.vendor]))[sub.vendor]
        has_spoke = ship.CAPABILITY in terms.capabilities
        await steps.add(tx, ship.track_step(sub, parcels, has_spoke=has_spoke, within=timing.delivery))
    elif outcome.verdict is Verdict.REFUSED:
        await course.stop(tx, order, sub, outcome.reason)


async def _track(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is not Verdict.OK:
        return
    sub = order.part(step.subject_id)
    await ship.delivered(tx, sub)
    terms = (await vendors.terms_of(tx, [sub.vendor]))[sub.vendor]
    seconds = timing.hold if terms.hold_seconds is None else terms.hold_seconds
    await transfer.hold(tx, share(sub), order_id=order.id, currency=order.currency, seconds=seconds)


async def _transfer(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        sub_order_id = (await transfer.get(tx, step.subject_id)).sub_order_id
        await transfer.transferred(tx, step, outcome, share(order.part(sub_order_id)))
        await advance(tx, sub_order_id, SubOrderEvent.SETTLE)
    elif outcome.verdict is Verdict.REFUSED:
        await transfer.transfer_failed(tx, step, outcome)
        await dead_letters.keep_step(tx, step, outcome)


async def _refund(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        sub_order_id = (await payments.refund(tx, step.subject_id)).sub_order_id
        await refund.refunded(tx, step, outcome, share(order.part(sub_order_id)))
    elif outcome.verdict is Verdict.REFUSED:
        await refund.refund_failed(tx, step, outcome)
        await dead_letters.keep_step(tx, step, outcome)


async def _nothing(_tx: Tx, _timing: Timing, _order: Order, _step: Step, _outcome: Outcome) -> None:
    """The way back leads nowhere further."""


_ON: dict[str, Callable[[Tx, Timing, Order, Step, Outcome], Awaitable[None]]] = {
    reserve.RESERVE: _reserve,
    reserve.RELEASE: _nothing,
    authorize.AUTHORIZE: _authorize,
    authorize.VOID: _void,
    route.SUBMIT: _submit,
    route.RECALL: _recall,
    capture.CAPTURE: _capture,
    ship.SHIP: _ship,
    ship.TRACK: _track,
    transfer.TRANSFER_STEP: _transfer,
    refund.REFUND: _refund,
}
