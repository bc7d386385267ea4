"""What our bank's tables say, in the words of `PaymentGateway`."""

from typing import Any

import msgspec

from hub.gateways.bank import store
from hub.gateways.bank.model import BankLine, BankOrder, BankPayment
from hub.gateways.bank.states import BankOrderState, BankPaymentState
from hub.kernel.errors import NotFound
from hub.payments.facts import Movement, PaymentFacts, PaymentPhase, RefundFacts, Settling
from hub.payments.ports import GatewayRefused
from hub.runtime.database import Tx
from hub.vendors.money_terms import BankAccount

SETTLING = {
    BankOrderState.OPEN: Settling.PENDING,
    BankOrderState.EXPORTED: Settling.PENDING,
    BankOrderState.EXECUTED: Settling.DONE,
    BankOrderState.FAILED: Settling.FAILED,
}


def of_payment(payment: BankPayment, ours: BankAccount) -> PaymentFacts:
    """A payment; while it waits, what the buyer has to send where."""
    waits = payment.state is BankPaymentState.WAITING
    return PaymentFacts(
        reference=payment.reference,
        phase=PaymentPhase(payment.state),
        received=payment.received,
        charge=payment.reference if payment.state is BankPaymentState.CAPTURED else None,
        action=_action(payment, ours) if waits else None,
    )


def _action(payment: BankPayment, ours: BankAccount) -> dict[str, Any]:
    return {
        "type": "bank_transfer",
        "reference": payment.reference,
        "amount": payment.amount,
        "received": payment.received,
        "currency": payment.currency,
        "account": msgspec.structs.asdict(ours),
    }


def of_refund(order: BankOrder, charge: str) -> RefundFacts:
    """A refund."""
    return RefundFacts(
        reference=order.id,
        state=SETTLING[order.state],
        amount=order.amount,
        currency=order.currency,
        charge=charge,
        key=order.key,
        reason=_reason(order),
    )


def _reason(order: BankOrder) -> str:
    """A stable word; what an operator wrote stays with the order."""
    if order.state is not BankOrderState.FAILED:
        return ""
    return "came_back" if order.executed_at is not None else "not_executed"


def of_line(line: BankLine) -> Movement:
    """A line; `source` is the order that it executes or brings back, which is how the books name it."""
    return Movement(
        id=line.bank_id,
        kind="receipt" if line.amount > 0 else "order",
        source=line.bank_order_id,
        amount=line.amount,
        fee=0,
        net=line.amount,
        currency=line.currency,
        at=line.created_at,
    )


async def known_order(tx: Tx, reference: str) -> BankOrder:
    """An order, or a refusal."""
    try:
        return await store.order(tx, reference)
    except NotFound as error:
        raise GatewayRefused("order_unknown", error.detail) from None
