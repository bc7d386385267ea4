"""When a hold ends: net what the vendor owes us, keep a reserve, and send the rest on its way."""

import msgspec

from hub.kernel.money import basis_points
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.letters.keep import keep_step
from hub.payments.ports import Gateways, NotSent, NotYet
from hub.payments.states import BANK
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.pauses import growing
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step
from hub.transfers import store
from hub.transfers.states import TransferEvent, TransferState
from hub.transfers.store import CREDIT, RESERVE, SHARE, TRANSFER_LIFE, NewTransfer, ToRelease, Transfer
from hub.transfers.transfer import transfer_step
from hub.vendors import accounts
from hub.vendors.money_terms import Marketplace, OwnTerms

RELEASE = "payout.release"
RELEASE_CREDIT = "payout.release_credit"
"""The same for money that is of no order."""
ACCOUNT_RETRY_SECONDS = (30.0, 3600.0)
"""The first pause and the longest; what is learned of a connected account makes the step due at once, nearly always."""
DISPUTE_RETRY_SECONDS = 6 * 3600.0
"""Only in case that nobody wakes us: what is learned of a dispute makes the step due at once."""
REFUSED_RETRY_SECONDS = (600.0, 3 * 3600.0)
"""The same after a refusal, as of money that is not there yet: a sale's takes days to arrive."""


def release_step(transfer: Transfer, *, after: float, asked: bool = True) -> NewStep:
    """Release in so many seconds; if one has been tried before (`asked`), sooner when something has happened."""
    kind = RELEASE_CREDIT if transfer.kind == CREDIT else RELEASE
    saga, subject = transfer.saga_id, transfer.id
    return NewStep(kind=kind, target=HUB_TARGET, saga_id=saga, subject_id=subject, payload={}, after=after, asked=asked, redrive=15)


def again_step(transfer: Transfer) -> NewStep:
    """Release once more what the provider has refused: after a pause that doubles with each refusal."""
    first, most = REFUSED_RETRY_SECONDS
    return release_step(transfer, after=min(most, first * 2.0 ** min(max(0, transfer.version // 2 - 1), 20)))


async def hold(tx: Tx, new: NewTransfer) -> None:
    """Open a transfer and the step that becomes due when its hold ends."""
    transfer = await store.open_transfer(tx, new)
    await steps.add(tx, release_step(transfer, after=new.seconds, asked=False))


async def perform_release(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """See to it that the account could receive: a transfer that would be refused spoils its key. Raises `NotSent` while it could not.

    Who has asked once asks no more as long as it is known that the account may not receive: it is looked at for all that wait
    (`hub.worker.accounts`), and wakes them. Raises `NotYet` while the buyer's bank contests the payment.
    """
    async with database.reading() as tx:
        transfer = await store.to_release(tx, step.subject_id)
        if transfer.disputed:
            raise NotYet("the payment is disputed", retry_after=DISPUTE_RETRY_SECONDS)
        left = await ledger.balance(tx, transfer.source, transfer.currency)
    if left == 0:
        return Outcome.ok(account=None)
    account = transfer.vendor if transfer.gateway == BANK else transfer.connected_account  # a bank knows a vendor by its code
    if account is None:
        raise _waits(step, f"{transfer.vendor} has no account to be paid on yet")
    if step.attempt > 1 and transfer.barred and transfer.gateway != BANK:
        raise _waits(step, f"{transfer.vendor} may not be paid yet: {transfer.account_reason or transfer.account_due}")
    facts = await gateways[transfer.gateway].look_account(account)
    if facts.may_receive:
        return Outcome.ok(account=account)
    async with database.tx() as tx:
        await accounts.doubt(tx, account, transfer.asked_at)
    raise _waits(step, f"{transfer.vendor} may not be paid yet: {facts.reason or facts.due}")


def _waits(step: Step, why: str) -> NotSent:
    return NotSent(why, retry_after=growing(step, *ACCOUNT_RETRY_SECONDS))


async def released(tx: Tx, marketplace: Marketplace | None, step: Step, outcome: Outcome) -> Transfer:
    """Decide, with the vendor's account locked, what of the hold goes where, and write the transfer's step; the transfer as it is then.

    `marketplace` says what is kept as reserve where the vendor's own terms do not; None for a credit, of which nothing is.
    """
    transfer = await store.to_release(tx, step.subject_id, lock=True)
    if transfer.state is not TransferState.HELD:
        return transfer
    if transfer.disputed:  # since it was looked at
        await steps.add(tx, release_step(transfer, after=DISPUTE_RETRY_SECONDS))
        return transfer
    vendor, currency, account = transfer.vendor, transfer.currency, outcome.data["account"]
    owing = recipes.vendor_account(vendor)
    await ledger.lock(tx, owing)
    left, due = await ledger.balances_now(tx, currency, transfer.source, owing)
    netted = min(left, max(0, -due))
    reserved = 0 if marketplace is None else await _reserve(tx, marketplace, transfer, left - netted)
    amount = left - netted - reserved
    if amount and account is None:  # it came in between: look for an account first
        await steps.add(tx, release_step(transfer, after=0))
        return transfer
    moves = recipes.release(
        transfer.source, vendor, transfer.sub_order_id or transfer.id, netted=netted, reserved=reserved, currency=currency
    )
    if moves:
        await ledger.post(tx, "release", order_id=transfer.order_id, vendor=vendor, cause=step.id, moves=moves)
    values = {"netted": transfer.netted + netted}
    if amount == 0:
        data = {"netted": netted, "reserved": reserved}
        state = await TRANSFER_LIFE.advance_seen(tx, transfer.seen, TransferEvent.EMPTY, data=data, values=values)
        return msgspec.structs.replace(transfer, state=state, **values)
    charge = transfer.paid_with
    if charge is not None and transfer.drawn + amount > (transfer.captured or 0):
        charge = None  # what we add to a discounted sale is drawn on our own balance: no charge gives more than it took
    values |= {"amount": amount, "account": account, "charge": charge}
    data = {"amount": amount, "netted": netted, "reserved": reserved}
    state = await TRANSFER_LIFE.advance_seen(tx, transfer.seen, TransferEvent.RELEASE, data=data, values=values)
    sending = msgspec.structs.replace(transfer, state=state, **values)
    await steps.add(tx, transfer_step(sending))
    return sending


async def not_released(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The provider does not know the account, or will not say: it stays held, an operator hears of it, and it is tried again later."""
    transfer = await store.get(tx, step.subject_id)
    await keep_step(tx, step, outcome, once_for=transfer.id)
    await steps.add(tx, again_step(transfer))


async def _reserve(tx: Tx, marketplace: Marketplace, transfer: ToRelease, left: int) -> int:
    """Keep the vendor's rolling reserve of a share, once."""
    terms = marketplace.in_force(OwnTerms(reserve_bps=transfer.own_reserve_bps, reserve_seconds=transfer.own_reserve_seconds))
    kept = basis_points(left, terms.reserve_bps)
    if transfer.kind != SHARE or not kept:
        return 0
    if any(other.kind == RESERVE for other in await store.of_sub_order(tx, transfer.sub_order_id or "")):
        return 0  # kept when it was released before, and the provider refused
    new = NewTransfer(
        kind=RESERVE,
        vendor=transfer.vendor,
        gateway=transfer.gateway,
        currency=transfer.currency,
        order_id=transfer.order_id,
        sub_order_id=transfer.sub_order_id,
        seconds=terms.reserve_seconds,
    )
    await hold(tx, new)
    return kept
