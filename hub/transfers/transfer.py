"""Move released money to the vendor's connected account."""

import msgspec

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.letters.keep import keep_step
from hub.payments.ports import Gateways
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step
from hub.transfers import store
from hub.transfers.states import TransferEvent
from hub.transfers.store import CREDIT, TRANSFER_LIFE, Transfer

TRANSFER_STEP = "payout.transfer"
CREDIT_STEP = "payout.credit"
"""The same for money that is of no order."""

EXPECTED_REFUSALS = frozenset({"balance_insufficient", "insufficient_capabilities_for_transfer", "transfers_not_allowed"})
"""What heals by itself; of any other refusal an operator hears."""


def transfer_step(transfer: Transfer) -> NewStep:
    """Send what was released; everything that is sent is frozen here."""
    payload = {"gateway": transfer.gateway, "account": transfer.account, "charge": transfer.charge, "amount": transfer.amount}
    kind = CREDIT_STEP if transfer.kind == CREDIT else TRANSFER_STEP
    return NewStep(
        kind=kind,
        target=HUB_TARGET,
        saga_id=transfer.saga_id,
        subject_id=transfer.id,
        payload=payload | {"currency": transfer.currency},
        redrive=15,
    )


async def perform_transfer(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Raises what the gateway raises."""
    del database
    asked = step.payload
    gateway = gateways[asked["gateway"]]
    # Asked before, perhaps longer ago than the provider remembers keys: a look keeps the vendor from being paid twice.
    reference = await gateway.find_transfer(step.id, order_id=step.saga_id) if step.attempt > 1 else None
    if reference is None:
        reference = await gateway.transfer(
            step.id,
            charge=asked["charge"],
            account=asked["account"],
            amount=asked["amount"],
            currency=asked["currency"],
            order_id=step.saga_id,
        )
    return Outcome.ok(reference=reference)


async def transferred(tx: Tx, step: Step, outcome: Outcome) -> Transfer:
    """Book the money as gone to the vendor; the transfer as it is then."""
    transfer = await store.get(tx, step.subject_id, lock=True)
    reference = str(outcome.data["reference"])
    state = await TRANSFER_LIFE.advance_seen(tx, transfer.seen, TransferEvent.TRANSFER, values={"reference": reference})
    moves = recipes.transfer(transfer.gateway, transfer.source, transfer.amount, transfer.currency)
    await ledger.post(tx, "transfer", order_id=transfer.order_id, vendor=transfer.vendor, cause=step.id, moves=moves, reference=reference)
    return msgspec.structs.replace(transfer, state=state, reference=reference)


async def refused(tx: Tx, step: Step, outcome: Outcome) -> Transfer:
    """It stays held, to be released again later under a new key; of what will not heal by itself an operator hears."""
    values = {"amount": 0, "account": None, "charge": None}
    await TRANSFER_LIFE.advance(tx, step.subject_id, TransferEvent.REFUSE, reason=outcome.reason, values=values)
    if outcome.reason not in EXPECTED_REFUSALS:
        await keep_step(tx, step, outcome, once_for=step.subject_id)
    return await store.get(tx, step.subject_id)
