"""Moves an order's saga as far as what is recorded allows: on to the next stage, without a fallen part, or all the way back.

Everything here runs inside the transaction that recorded an answer, with the order's row locked, so each order has one
writer at a time and a crash leaves either all of a move or nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hub.checkout import pledge
from hub.checkout.saga import SAGAS
from hub.checkout.timing import Timing
from hub.fulfillment import reserve, route, ship
from hub.inventory import promise
from hub.kernel.saga import Decision, Each, Progress, Stage, decide
from hub.ledger.recipes import Share
from hub.orders import held, store
from hub.orders.advance import advance
from hub.orders.model import Order, SubOrder
from hub.orders.place import withdraw
from hub.orders.set_aside import OWN_PROMISE
from hub.orders.states import FALLEN, SubOrderEvent, SubOrderState
from hub.payments import authorize, capture
from hub.payments import store as payments
from hub.payments.states import PaymentState
from hub.promises.schedule import Pledge
from hub.refunds.ask import refund_whole
from hub.risk.screen import Facts, screen
from hub.runtime import steps
from hub.runtime.database import HUB, Tx
from hub.runtime.steps import NewStep, Step, Verdict

_DONE_AT: Mapping[str, frozenset[SubOrderState]] = {
    "reserve": frozenset(SubOrderState) - {SubOrderState.PLACED} - FALLEN,
    "route": frozenset(SubOrderState) - {SubOrderState.PLACED, SubOrderState.RESERVED, SubOrderState.ROUTED} - FALLEN,
}
"""From which state on a part has passed a stage."""

_PAID_AT = {"authorize": PaymentState.AUTHORIZED, "capture": PaymentState.CAPTURED}


def standing(order: Order) -> list[SubOrder]:
    """The parts that have not fallen out."""
    return [sub for sub in order.sub_orders if sub.state not in FALLEN]


def share(sub: SubOrder) -> Share:
    """A part's money."""
    whose = sub.share
    return Share(
        vendor=sub.vendor,
        sub_order_id=sub.id,
        paid=whose.paid,
        discount=whose.discount,
        share=whose.share,
        commission=whose.commission,
        tax=whose.tax,
    )


def by_vendor(subs: Sequence[SubOrder]) -> list[SubOrder]:
    """In the one order in which the vendors' accounts are written, lest two orders wait for each other."""
    return sorted(subs, key=lambda sub: sub.vendor)


async def proceed(tx: Tx, timing: Timing, order_id: str) -> None:
    """Go on from the current stage while its pieces allow it."""
    order = await store.load(tx, order_id)
    while order.course == "forward":
        await _catch_up(tx, timing, order)
        saga = SAGAS[order.kind]
        stage = saga.stage(order.stage)
        decision = decide(stage.each, await _progress(tx, order, stage))
        if decision is Decision.WAIT:
            return
        if decision is Decision.BACK:
            await undo(tx, order, SubOrderEvent.CANCEL, "nothing_left" if stage.each is Each.PART else f"{stage.name}_failed")
            return
        following = saga.after(stage.name)
        if following is None:
            await _finish(tx, timing, held.change(tx, order_id, course="finished"))
            return
        await enter(tx, timing, held.change(tx, order_id, stage=following.name), following)
        order = await store.load(tx, order_id)


async def join(tx: Tx, timing: Timing, order: Order, parts: Sequence[SubOrder]) -> None:
    """Parts that take over what has fallen out begin where all parts began, at the reservation."""
    new = [await _enter_reserve(tx, timing, order, sub) for sub in parts]
    await steps.add(tx, *(step for step in new if step is not None))


async def _catch_up(tx: Tx, timing: Timing, order: Order) -> None:
    """Parts that joined late are put before their vendors as the others were, once they are reserved."""
    late = [sub for sub in standing(order) if sub.state is SubOrderState.RESERVED]
    if order.stage == "route" and late:
        await _route(tx, timing, order, late)


async def enter(tx: Tx, timing: Timing, order: Order, stage: Stage) -> None:
    """Write the steps of a stage."""
    if stage.each is Each.WHOLE:
        await _enter_payment(tx, timing, order, stage)
        return
    if stage.do == route.SUBMIT:
        await _route(tx, timing, order, standing(order))
        return
    new = [await _enter_reserve(tx, timing, order, sub) for sub in standing(order)]
    await steps.add(tx, *(step for step in new if step is not None))


async def lock_stock(tx: Tx, order: Order) -> None:
    """Before several parts fall in one transaction: their stock rows one part after the other would be in nobody's order."""
    await promise.lock(tx, [line.offer_id for sub in standing(order) for line in sub.lines])


async def fall(  # noqa: PLR0913  # of what, what, why, and since when
    tx: Tx,
    order: Order,
    sub: SubOrder,
    event: SubOrderEvent,
    reason: str,
    data: Mapping[str, object] | None = None,
    *,
    let_go_at: datetime | None = None,
) -> None:
    """One part falls out: its stock is for sale again, and whatever its vendor may have done for it is undone."""
    await withdraw(tx, sub, event, reason, data, let_go_at=let_go_at)
    await undo_at_vendor(tx, order, sub, reason)


async def undo(tx: Tx, order: Order, event: SubOrderEvent, reason: str) -> None:
    """The way back before any money was taken: every standing part falls out, the authorization is given back."""
    await lock_stock(tx, order)
    held.change(tx, order.id, course="undone")
    for sub in standing(order):
        await fall(tx, order, sub, event, reason)
    await give_back(tx, order.id, reason)


async def give_back(tx: Tx, order_id: str, reason: str) -> None:
    """Give back what any of the order's payments holds."""
    for payment in await payments.all_of_order(tx, order_id):
        await authorize.give_back(tx, payment, reason)


async def undo_at_vendor(tx: Tx, order: Order, sub: SubOrder, reason: str) -> None:
    """Withdraw the open steps of this part; then undo, last stage first, each that its vendor may have acted on.

    In this order: what is withdrawn no worker can claim any more, so it is certain which were sent.
    """
    saga = SAGAS[order.kind]
    await steps.cancel_open(tx, order.id, *(stage.do for stage in saga.stages), ship.SHIP, subject_id=sub.id)
    mine = [step for step in await steps.of_saga(tx, order.id) if step.subject_id == sub.id]
    for stage in reversed(saga.stages):
        for step in mine:
            if step.kind != stage.do or not _may_have_acted(step, stage.do) or any(s.undoes == step.id for s in mine):
                continue
            if stage.undo == reserve.RELEASE:
                await steps.add(tx, reserve.release_step(sub, undoes=step.id))
            elif stage.undo == route.RECALL:
                await steps.add(tx, route.recall_step(sub, undoes=step.id, reason=reason))


def _may_have_acted(step: Step, kind: str) -> bool:
    """Whether the other side may have done it: it was sent, and it was not answered by a definite no."""
    return step.kind == kind and step.attempt > 0 and step.verdict != Verdict.REFUSED


async def _progress(tx: Tx, order: Order, stage: Stage) -> list[Progress]:
    if stage.each is Each.PART:
        done = _DONE_AT[stage.name]
        return [
            Progress.FAILED if sub.state in FALLEN else Progress.DONE if sub.state in done else Progress.WAITING for sub in order.sub_orders
        ]
    if stage.name == "screen":
        facts = Facts(customer_id=order.customer_id, total=order.total, currency=order.currency, country=str(order.address["country"]))
        return [Progress.FAILED if screen(facts) else Progress.DONE]
    payment = await payments.of_order(tx, order.id)
    if payment.state in {PaymentState.DECLINED, PaymentState.VOIDED}:
        return [Progress.FAILED]
    return [Progress.DONE if payment.state is _PAID_AT[stage.name] else Progress.WAITING]


async def _enter_payment(tx: Tx, timing: Timing, order: Order, stage: Stage) -> None:
    if stage.do not in {authorize.AUTHORIZE, capture.CAPTURE}:
        return
    payment = await payments.of_order(tx, order.id)
    amount = sum(sub.total for sub in standing(order))
    if stage.do == authorize.AUTHORIZE:
        await payments.set_amount(tx, payment.id, amount)
        if amount:
            await steps.add(tx, authorize.authorize_step(order.id, payment.id, within=timing.payment_by(payment.gateway)))
        else:
            await capture.authorized_nothing(tx, payment)
    elif amount:
        await steps.add(tx, capture.capture_step(order.id, payment.id, amount))
    else:
        await capture.captured_nothing(tx, payment, [share(sub) for sub in standing(order)])


async def _enter_reserve(tx: Tx, timing: Timing, order: Order, sub: SubOrder) -> NewStep | None:
    if reserve.CAPABILITY not in sub.capabilities:
        await advance(tx, sub.id, SubOrderEvent.RESERVE, reason=OWN_PROMISE, by=HUB)
        return None
    return reserve.reserve_step(sub, within=timing.reserve, expires_at=reserved_until(timing, order))


def reserved_until(timing: Timing, order: Order) -> datetime:
    """Until when a vendor keeps what it has set aside, should nobody tell it anything."""
    return order.created_at + timedelta(seconds=timing.reserve + timing.invoice + 2 * timing.acceptance + timing.ship)


async def _route(tx: Tx, timing: Timing, order: Order, subs: Sequence[SubOrder]) -> None:
    pledges = await pledge.to_accept(tx, timing, order, subs)
    await steps.add(tx, *[await _enter_route(tx, order, sub, pledges[sub.vendor]) for sub in subs])


async def _enter_route(tx: Tx, order: Order, sub: SubOrder, given: Pledge) -> NewStep:
    await advance(tx, sub.id, SubOrderEvent.ROUTE, values={"accept_by": given.by, "routed_at": given.start})
    return route.submit_step(order, sub, wait=given.wait(), answer_by=given.by, has_spoke=route.CAPABILITY in sub.capabilities)


async def _finish(tx: Tx, timing: Timing, order: Order) -> None:
    """The money is taken: have each part shipped, or stopped if the buyer asked for that in the meantime."""
    if order.cancel_reason is not None:
        await lock_stock(tx, order)
        for sub in by_vendor(standing(order)):
            await stop(tx, order, sub, order.cancel_reason)  # nobody was told to ship, so nothing has left
        return
    pledges = await pledge.to_ship(tx, timing, standing(order))
    await steps.add(tx, *[_have_shipped(tx, timing, order, sub, pledges[sub.vendor]) for sub in standing(order)])


def _have_shipped(tx: Tx, timing: Timing, order: Order, sub: SubOrder, given: Pledge) -> NewStep:
    store.note(tx, sub, ship_by=given.by)
    return ship.ship_step(order, sub, has_spoke=ship.CAPABILITY in sub.capabilities, wait=given.wait(timing.ship))


async def recall(tx: Tx, order: Order, sub: SubOrder, reason: str) -> bool:
    """Stop an accepted, paid part; False if it cannot be: its vendor's spoke was told to ship it and takes no recall.

    It stops here if nobody was told to ship it, or if its vendor works by hand and has told us nothing has left;
    otherwise the vendor is asked.
    """
    unsent = await steps.withdraw_unsent(tx, order.id, ship.SHIP, sub.id)
    if unsent or not sub.capabilities & {route.CAPABILITY, ship.CAPABILITY}:
        await stop(tx, order, sub, reason)
        return True
    if route.CAPABILITY not in sub.capabilities:
        return False
    await advance(tx, sub.id, SubOrderEvent.RECALL, reason=reason)
    submitted = next(step for step in await steps.of_saga(tx, order.id) if step.subject_id == sub.id and step.kind == route.SUBMIT)
    await steps.add(tx, route.recall_step(sub, undoes=submitted.id, reason=reason))
    return True


async def stop(tx: Tx, order: Order, sub: SubOrder, reason: str, *, let_go_at: datetime | None = None) -> None:
    """A paid part will not be shipped: it falls out, and the buyer gets its money back."""
    await fall(tx, order, sub, SubOrderEvent.CANCEL, reason, let_go_at=let_go_at)
    await refund_whole(tx, await payments.of_order(tx, order.id), sub, reason)
