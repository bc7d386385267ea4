"""What an answer sets in motion: one handler per kind of step, all in the transaction that records the answer."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from hub.checkout import chase, course, fine, pledge, shortage
from hub.checkout.course import share
from hub.checkout.timing import Timing
from hub.fulfillment import reserve, route, ship
from hub.kernel.money import Money
from hub.letters.keep import keep_step
from hub.orders import store
from hub.orders.advance import advance
from hub.orders.lock_and_end import lock_and_end
from hub.orders.model import Order
from hub.orders.states import SubOrderEvent, SubOrderState
from hub.payments import authorize, capture
from hub.refunds import dispute, gather, reverse, send
from hub.returns import answer
from hub.runtime import revive, steps
from hub.runtime.database import Tx
from hub.runtime.put_off import retry_in
from hub.runtime.steps import HUB_TARGET, Outcome, Step, StepState, Verdict
from hub.transfers import release, transfer
from hub.transfers.states import TransferState
from hub.transfers.store import SHARE, NewTransfer, Transfer, holding
from vendor_sdk.messages import Shortfall

_S = SubOrderState


async def conclude(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> bool:
    """Record an answer and everything that follows from it; False if the step had ended before, when nothing follows.

    The order's row is locked first, so that answers to one order are applied one after the other. "Pending" changes the step
    alone, but for a payment that waits for its buyer.
    """
    if outcome.verdict is Verdict.PENDING:
        if step.kind == authorize.AUTHORIZE:
            await store.lock(tx, step.saga_id)
        await _wait(tx, timing, step, outcome)
        return False
    if step.saga_id in tx.held:
        return await conclude_locked(tx, timing, step, outcome)
    if not await lock_and_end(tx, step, outcome):
        return False
    await _follow(tx, timing, step, outcome)
    return True


async def conclude_locked(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> bool:
    """The same for who has locked the order already."""
    if outcome.verdict is Verdict.PENDING:
        await _wait(tx, timing, step, outcome)
        return False
    if not await steps.end(tx, step.id, outcome):
        return False
    await _follow(tx, timing, step, outcome)
    return True


async def _follow(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.DEAD:
        await keep_step(tx, step, outcome, at_risk=await _at_risk(tx, step))
    if step.kind in _ON_MONEY:
        await _ON_MONEY[step.kind](tx, timing, step, outcome)
        return
    order = await store.load(tx, step.saga_id)
    if step.kind in answer.ON:
        await answer.ON[step.kind](tx, timing.returns, order, step, outcome)
        return
    await _ON[step.kind](tx, timing, order, step, outcome)
    if order.course == "forward":
        await course.proceed(tx, timing, order.id)


async def give_up(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> bool:
    """A vendor's command that died before its time is over is not decided yet: it may be mended until then. Else as `conclude`."""
    await store.lock(tx, step.saga_id)
    if await revive.park(tx, step.id):
        await keep_step(tx, step, outcome, at_risk=await _at_risk(tx, step))
        return False
    return await conclude_locked(tx, timing, step, outcome)


async def _at_risk(tx: Tx, step: Step) -> Money | None:
    """What the buyer pays for the part that a vendor's command is about."""
    if step.target == HUB_TARGET:
        return None
    order = await store.load(tx, step.saga_id)
    return Money(amount=order.part(step.subject_id).total, currency=order.currency)


async def _wait(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> None:
    if step.kind == authorize.AUTHORIZE:
        still = await steps.get(tx, step.id, lock=True)
        if still is None or still.state != StepState.OPEN:
            return
        await authorize.waits(tx, step, outcome)
    if step.target == HUB_TARGET:
        await retry_in(tx, step.id, timing.settling, attempt=step.attempt, pending=True)
    else:
        await retry_in(tx, step.id, timing.ask_again, pending=True)


async def _reserve(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await advance(tx, step.subject_id, SubOrderEvent.RESERVE)
    else:
        sub = order.part(step.subject_id)
        await shortage.reserve_partly(tx, timing, order, sub, _short(outcome), outcome.reason)


async def _submit(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    short = _short(outcome)
    if outcome.verdict is not Verdict.OK:
        await shortage.fall_short(tx, timing, order, order.part(step.subject_id), outcome.reason, told_at=_let_go_at(outcome))
    elif short:
        await shortage.accept_partly(tx, timing, order, order.part(step.subject_id), short, await fine.said_at(tx, outcome))
    else:
        await advance(tx, step.subject_id, SubOrderEvent.ACCEPT, values={"accepted_at": await fine.said_at(tx, outcome)})


def _let_go_at(outcome: Outcome) -> datetime | None:
    """Who refuses holds nothing for us; of who was given up on nobody knows."""
    return outcome.at if outcome.verdict is Verdict.REFUSED else None


def _short(outcome: Outcome) -> list[Shortfall]:
    return msgspec.convert(outcome.data.get("short", []), list[Shortfall])


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
        await authorize.close(tx, step.subject_id, str(step.payload["reason"]))
        await steps.wake(tx, order.id)  # another way to pay may have waited for that
    elif outcome.verdict is Verdict.REFUSED:
        await keep_step(tx, step, outcome)


async def _capture(tx: Tx, _: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await capture.captured(tx, step, outcome, [share(sub) for sub in course.standing(order)])
    elif outcome.verdict is Verdict.REFUSED:
        await course.undo(tx, order, SubOrderEvent.CANCEL, "capture_failed")


async def _recall(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    sub = order.part(step.subject_id)
    if sub.state is not _S.RECALLING:
        return
    if outcome.verdict is Verdict.OK:
        await course.stop(tx, order, sub, sub.reason or "canceled", let_go_at=outcome.at)
        await chase.recalled(tx, timing, order, sub)
    else:  # kept, or given up on: it stands, and may be asked to stop again
        await advance(tx, sub.id, SubOrderEvent.KEEP, reason=outcome.reason)
        await chase.kept(tx, sub, step)


async def _ship(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    sub = order.part(step.subject_id)
    if outcome.verdict is Verdict.OK:
        left = msgspec.convert(outcome.data, ship.Left)
        at, given = await fine.said_at(tx, outcome), await pledge.to_deliver(tx, timing, sub)
        await ship.shipped(tx, sub, left, at=at, deliver_by=given.by)
        wait = given.wait(timing.delivery)
        await steps.add(tx, ship.track_step(sub, left.parcels, has_spoke=ship.CAPABILITY in sub.capabilities, wait=wait))
        await fine.shipped(tx, timing, order, step, at)
    elif outcome.verdict is Verdict.REFUSED:
        await course.stop(tx, order, sub, outcome.reason, let_go_at=outcome.at)
        await fine.lapsed(tx, timing, order, sub, "canceled_by_vendor")
    else:
        await chase.given_up(tx, sub, "shipping", outcome)


async def _track(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    sub = order.part(step.subject_id)
    if outcome.verdict is not Verdict.OK:
        await chase.given_up(tx, sub, "delivery", outcome)
        return
    at = await fine.said_at(tx, outcome)
    await ship.delivered(tx, sub, at=at)
    await fine.delivered(tx, timing, order, step, at)
    held = await holding(tx, order.id, sub.vendor)
    new = NewTransfer(
        kind=SHARE,
        vendor=sub.vendor,
        gateway=held.gateway,
        currency=order.currency,
        order_id=order.id,
        sub_order_id=sub.id,
        seconds=timing.marketplace.hold_seconds if held.hold_seconds is None else held.hold_seconds,
    )
    await release.hold(tx, new)


async def _release(tx: Tx, timing: Timing, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await _settle(tx, await release.released(tx, timing.marketplace, step, outcome))
    elif outcome.verdict is Verdict.REFUSED:
        await release.not_released(tx, step, outcome)


async def _transfer(tx: Tx, _: Timing, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        moved = await transfer.transferred(tx, step, outcome)
        await _settle(tx, moved)
    elif outcome.verdict is Verdict.REFUSED:
        moved = await transfer.refused(tx, step, outcome)
        await steps.add(tx, release.again_step(moved))
    else:
        return
    if moved.sub_order_id is not None:
        await gather.go_on(tx, moved.sub_order_id)


async def _settle(tx: Tx, moved: Transfer) -> None:
    """The vendor has its share, or there is none: the sub-order's life ends."""
    if moved.kind == SHARE and moved.sub_order_id is not None and moved.state in {TransferState.TRANSFERRED, TransferState.EMPTY}:
        await advance(tx, moved.sub_order_id, SubOrderEvent.SETTLE)


async def _reverse(tx: Tx, _: Timing, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await reverse.reversed_(tx, step, outcome)
    elif outcome.verdict is Verdict.REFUSED:
        await reverse.reversal_refused(tx, step, outcome)


async def _share_out(tx: Tx, timing: Timing, order: Order, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await dispute.share_out(tx, timing.marketplace, order, step)


async def _refund(tx: Tx, _: Timing, step: Step, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.OK:
        await send.refunded(tx, step, outcome)
    elif outcome.verdict is Verdict.REFUSED:
        await send.refund_refused(tx, step, outcome)


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
    dispute.SHARE_OUT: _share_out,
}

_ON_MONEY: dict[str, Callable[[Tx, Timing, Step, Outcome], Awaitable[None]]] = {
    release.RELEASE: _release,
    transfer.TRANSFER_STEP: _transfer,
    reverse.REVERSE: _reverse,
    send.REFUND: _refund,
}
"""What follows when an order has long run its course: it need not be looked at."""
