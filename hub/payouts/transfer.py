"""Hold a delivered sub-order's share, then move it to the vendor's connected account."""

import msgspec
from sqlalchemy import func, insert, select

from hub.kernel.errors import NotFound
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Share
from hub.payments import store as payments
from hub.payments.ports import GatewayRefused, NotSent, PaymentGateway
from hub.payouts.states import TRANSFER, TransferEvent, TransferState
from hub.payouts.tables import transfers
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.life import Life
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step
from hub.vendors import store as vendors

TRANSFER_STEP = "payout.transfer"
ACCOUNT_RETRY_SECONDS = 30

TRANSFER_LIFE = Life(TRANSFER, transfers, saga_column="order_id")


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's share on its way; `amount` in minor units, commission already taken off."""

    id: str
    order_id: str
    sub_order_id: str
    vendor: str
    state: str
    amount: int
    currency: str
    reference: str | None


_COLUMNS = [transfers.c[name] for name in Transfer.__struct_fields__]


async def hold(tx: Tx, share: Share, *, order_id: str, currency: str, seconds: float) -> None:
    """Open the transfer and the step that becomes due when the hold ends."""
    transfer_id = tx.ids.new("trf")
    await tx.execute(
        insert(transfers).values(
            id=transfer_id,
            order_id=order_id,
            sub_order_id=share.sub_order_id,
            vendor=share.vendor,
            state=TransferState.HELD,
            amount=share.total - share.commission,
            currency=currency,
            hold_until=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
        )
    )
    TRANSFER_LIFE.born(tx, transfer_id, order_id, data={"sub_order_id": share.sub_order_id})
    step = NewStep(kind=TRANSFER_STEP, target=HUB_TARGET, saga_id=order_id, subject_id=transfer_id, payload={}, after=seconds, redrive=15)
    await steps.add(tx, step)


async def get(tx: Tx, transfer_id: str) -> Transfer:
    """One transfer. Raises `NotFound`."""
    transfer = await tx.one(select(*_COLUMNS).where(transfers.c.id == transfer_id), Transfer)
    if transfer is None:
        raise NotFound("unknown_transfer", f"no transfer {transfer_id}")
    return transfer


async def perform_transfer(database: Database, gateway: PaymentGateway, step: Step) -> Outcome:
    """Raises what the gateway raises, and `NotSent` while the vendor has no connected account: its share waits."""
    async with database.reading() as tx:
        transfer = await get(tx, step.subject_id)
        payment = await payments.of_order(tx, step.saga_id)
        terms = (await vendors.terms_of(tx, [transfer.vendor]))[transfer.vendor]
    if payment.charge is None:
        raise GatewayRefused("never_captured", "there is no charge to transfer from")
    if terms.connected_account is None:
        raise NotSent(f"{transfer.vendor} has no connected account yet", retry_after=ACCOUNT_RETRY_SECONDS)
    if transfer.amount == 0:
        return Outcome.ok(reference=None)
    if not await gateway.may_receive(terms.connected_account):
        raise NotSent(f"{transfer.vendor} has not finished onboarding", retry_after=ACCOUNT_RETRY_SECONDS)
    # Asked before, perhaps longer ago than the provider remembers keys: a look keeps the vendor from being paid twice.
    if step.attempt > 1 and (found := await gateway.find_transfer(step.id, order_id=step.saga_id)) is not None:
        return Outcome.ok(reference=found)
    reference = await gateway.transfer(
        step.id,
        charge=payment.charge,
        account=terms.connected_account,
        amount=transfer.amount,
        currency=transfer.currency,
        order_id=step.saga_id,
    )
    return Outcome.ok(reference=reference)


async def transferred(tx: Tx, step: Step, outcome: Outcome, share: Share) -> None:
    """Book the share as gone to the vendor."""
    transfer = await get(tx, step.subject_id)
    await TRANSFER_LIFE.advance(tx, transfer.id, TransferEvent.TRANSFER, values={"reference": outcome.data["reference"]})
    await ledger.post(tx, "transfer", order_id=step.saga_id, cause=step.id, moves=recipes.transfer(share, transfer.currency))


async def transfer_failed(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The provider refuses: the share stays held, and an operator hears of it through the dead letter."""
    await TRANSFER_LIFE.advance(tx, step.subject_id, TransferEvent.FAIL, reason=outcome.reason)
