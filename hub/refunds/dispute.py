"""The buyer's bank contests a payment: nothing more is released, and if it is lost, whoever sold bears it.

What is known comes from looking at the dispute, never from the message that told of it; so it may be looked at in any
order and any number of times.
"""

from collections.abc import Mapping

from hub.kernel.money import allocate
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.orders import store as orders
from hub.orders.model import Order, SubOrder
from hub.orders.states import FALLEN
from hub.payments import store as payments
from hub.payments.facts import DisputeFacts, DisputePhase, Movement
from hub.payments.ports import Gateways, NotYet
from hub.payments.states import PaymentState
from hub.refunds import gather, model, store
from hub.refunds.send import cover_with_failed
from hub.refunds.states import DisputeEvent, DisputeState, RefundState
from hub.refunds.store import DISPUTE_LIFE, Dispute, NewRefund
from hub.refunds.tables import refunds
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step
from hub.vendors import store as vendors
from hub.vendors.money_terms import Marketplace

REASON = "disputed"
SHARE_OUT = "dispute.share_out"
REFUND_RETRY_SECONDS = 5.0

_EVENTS: Mapping[tuple[DisputeState, DisputePhase], tuple[DisputeEvent, ...]] = {
    (DisputeState.INQUIRY, DisputePhase.OPEN): (DisputeEvent.CONTEST,),
    (DisputeState.INQUIRY, DisputePhase.WON): (DisputeEvent.WIN,),
    (DisputeState.INQUIRY, DisputePhase.LOST): (DisputeEvent.CONTEST, DisputeEvent.LOSE),
    (DisputeState.OPEN, DisputePhase.WON): (DisputeEvent.WIN,),
    (DisputeState.OPEN, DisputePhase.LOST): (DisputeEvent.LOSE,),
    (DisputeState.LOST, DisputePhase.WON): (DisputeEvent.WIN,),
}
"""What has happened since; anything older than what is known already changes nothing."""


def share_out_step(dispute: Dispute, *, after: float = 0) -> NewStep:
    """Decide in so many seconds who bears a lost dispute, or to whom goes what came back of it."""
    return NewStep(
        kind=SHARE_OUT,
        target=HUB_TARGET,
        saga_id=dispute.order_id,
        subject_id=dispute.id,
        payload={},
        redrive=15,
        after=after,
        asked=after > 0,
    )


async def take_notice(tx: Tx, gateway: str, facts: DisputeFacts) -> bool:
    """Apply what the provider says of a dispute; False if it is of no charge that we know to be captured."""
    payment = await payments.of_charge(tx, gateway, facts.charge)
    if payment is None or payment.state is not PaymentState.CAPTURED:
        return False
    await orders.lock(tx, payment.order_id)
    dispute = await store.note_dispute(tx, payment, facts)
    booked = [await _book(tx, dispute, movement) for movement in facts.movements]
    if dispute.state is DisputeState.LOST and any(booked):  # it was shared out without that
        await steps.add(tx, share_out_step(dispute))
    for event in _EVENTS.get((dispute.state, facts.phase), ()):
        await DISPUTE_LIFE.advance(tx, dispute.id, event, reason=facts.reason)
        if event is DisputeEvent.LOSE:
            await steps.add(tx, share_out_step(dispute))
    await payments.set_disputed(tx, payment.id, disputed=await store.contested(tx, payment.id))
    await steps.wake(tx, payment.order_id)
    return True


async def _book(tx: Tx, dispute: Dispute, movement: Movement) -> bool:
    """False if it was booked before."""
    if await ledger.posted(tx, "dispute", movement.id):
        return False
    currency = movement.currency
    taken = recipes.dispute_taken(dispute.gateway, dispute.id, max(0, -movement.amount), max(0, movement.fee), currency)
    returned = recipes.dispute_returned(dispute.gateway, dispute.id, max(0, movement.amount), max(0, -movement.fee), currency)
    await ledger.post(tx, "dispute", order_id=dispute.order_id, cause=movement.id, moves=taken + returned, reference=movement.id)
    return True


async def perform_share_out(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Raises `NotYet` while a refund is under way: it arrives or is refused, and only then it is known who has what."""
    del gateways
    async with database.reading() as tx:
        if await _refunding(tx, step.saga_id):
            raise NotYet("a refund is under way", retry_after=REFUND_RETRY_SECONDS)
    return Outcome.ok()


async def _refunding(tx: Tx, order_id: str) -> bool:
    t = refunds.c
    under_way = (RefundState.REQUESTED, RefundState.GATHERING, RefundState.SENDING)
    return bool(await store.refunds_where(tx, t.order_id == order_id, t.state.in_(under_way), limit=1))


async def share_out(tx: Tx, marketplace: Marketplace, order: Order, step: Step) -> None:
    """A lost dispute: failed refunds cover it first, then the vendors that bear disputes, in proportion; the rest is our loss."""
    dispute = await store.dispute(tx, step.subject_id)
    payment = await payments.get(tx, dispute.payment_id)
    currency = dispute.currency
    if await _refunding(tx, order.id):  # since it was looked at
        await steps.add(tx, share_out_step(dispute, after=REFUND_RETRY_SECONDS))
        return
    taken = -await ledger.balance(tx, recipes.dispute_account(dispute.id), currency)
    if taken < 0:
        await _give_back(tx, dispute, step, -taken)
        return
    taken -= await cover_with_failed(tx, payment, dispute.id, taken)
    parts, lost = _split(order, taken)
    terms = await vendors.terms_of(tx, [sub.vendor for sub, _ in parts])
    bearing = [part for part in parts if marketplace.in_force(terms[part[0].vendor]).bears_disputes]
    lost += sum(amount for _, amount in parts) - sum(amount for _, amount in bearing)
    if marketplace.vendor_pays_dispute_fee:  # first: it writes the vendors' accounts in their order, and so do those who follow
        await _charge_fee(tx, dispute, [(sub.vendor, amount) for sub, amount in bearing])
    for sub, amount in sorted(bearing, key=lambda part: part[0].vendor):  # as all who write several vendors' accounts
        cut = model.of_amount(sub.pieces, amount)
        new = NewRefund(sub_order_id=sub.id, vendor=sub.vendor, items=cut.items, portion=cut.portion, reason=REASON, dispute_id=dispute.id)
        await gather.begin(tx, payment, new)
    moves = recipes.lose(dispute.id, lost, currency)
    if moves:
        await ledger.post(tx, store.LOST, order_id=order.id, cause=step.id, moves=moves)
    await payments.set_disputed(tx, payment.id, disputed=await store.contested(tx, payment.id))
    await steps.wake(tx, order.id)


async def _give_back(tx: Tx, dispute: Dispute, step: Step, back: int) -> None:
    """Won after it was lost: each vendor has again what it bore, and we have the rest."""
    bore = await store.refunds_where(tx, refunds.c.dispute_id == dispute.id)
    for refund in sorted(bore, key=lambda refund: refund.vendor):
        if refund.amount > back or await ledger.posted(tx, store.RETURNED, refund.id):
            continue
        moves = recipes.unbear(gather.share_of(refund), dispute.id, dispute.currency)
        await ledger.post(tx, store.RETURNED, order_id=dispute.order_id, vendor=refund.vendor, cause=refund.id, moves=moves)
        back -= refund.amount
    moves = recipes.unlose(dispute.id, back, dispute.currency)
    if moves:
        await ledger.post(tx, store.RETURNED, order_id=dispute.order_id, cause=step.id, moves=moves)


async def _charge_fee(tx: Tx, dispute: Dispute, bearing: list[tuple[str, int]]) -> None:
    """The provider's fee is the vendors', in proportion to what they bear."""
    account = recipes.dispute_account(dispute.id)
    fee = await ledger.moved(tx, "dispute", recipes.DISPUTE_FEES, dispute.currency, beside=account)
    if not bearing or fee >= 0 or await ledger.posted(tx, "dispute_fee", dispute.id):
        return
    parts = allocate(-fee, [amount for _, amount in bearing])
    moves = [move for (vendor, _), part in zip(bearing, parts, strict=True) for move in recipes.dispute_fee(vendor, part, dispute.currency)]
    await ledger.post(tx, "dispute_fee", order_id=dispute.order_id, cause=dispute.id, moves=moves)


def _split(order: Order, taken: int) -> tuple[list[tuple[SubOrder, int]], int]:
    """Over the parts in proportion to what the buyer paid and has not got back; and what is more than all of that."""
    parts = [(sub, model.left_to_refund(sub.pieces)) for sub in order.sub_orders if sub.state not in FALLEN]
    most = sum(left for _, left in parts)
    if not most or not taken:
        return [], taken
    spread = allocate(min(taken, most), [left for _, left in parts])
    return [(sub, amount) for (sub, _), amount in zip(parts, spread, strict=True) if amount], max(0, taken - most)


PERFORM = {SHARE_OUT: perform_share_out}
