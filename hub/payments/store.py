"""The only reader and writer of payments (states go through their life)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, select, update

from hub.customers import at_provider
from hub.kernel.errors import NotFound
from hub.payments.states import OPEN, PAYMENT, PaymentState, gateway_of
from hub.payments.tables import payments
from hub.runtime.database import Tx
from hub.runtime.life import Life

PAYMENT_LIFE = Life(PAYMENT, payments, saga_column="order_id")


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer's payment; amounts in minor units."""

    id: str
    order_id: str
    state: PaymentState
    gateway: str
    method: str
    customer_id: str | None
    payer: str | None
    save: bool
    currency: str
    amount: int
    captured: int
    fee: int
    reference: str | None
    charge: str | None
    action: dict[str, Any] | None
    replaced: bool
    disputed: bool
    capture_before: datetime | None


_PAYMENTS = select(*(payments.c[name] for name in Payment.__struct_fields__))

_ADD = insert(payments).values(payer=at_provider.reference_of(bindparam("payer_of"), bindparam("payer_at")))


async def open_payment(  # noqa: PLR0913 - one payment, all by name
    tx: Tx, *, order_id: str, method: str, amount: int, currency: str, customer_id: str | None = None, save: bool = False
) -> str:
    """A pending payment for an order; its id. With `save` the method is kept for the customer's later orders."""
    payment_id = tx.ids.new("pay")
    gateway = gateway_of(method)
    values = {
        "id": payment_id,
        "order_id": order_id,
        "state": PaymentState.PENDING,
        "gateway": gateway,
        "method": method,
        "customer_id": customer_id,
        "save": save,
        "amount": amount,
        "currency": currency,
    }
    await tx.execute(_ADD, {**values, "payer_of": customer_id, "payer_at": gateway})
    PAYMENT_LIFE.born(tx, payment_id, order_id)
    return payment_id


_STANDING = _PAYMENTS.where(payments.c.order_id == bindparam("order_id"), ~payments.c.replaced)
_OF_ORDER = _PAYMENTS.where(payments.c.order_id == bindparam("order_id")).order_by(payments.c.id)


async def of_order(tx: Tx, order_id: str) -> Payment:
    """The order's payment. Raises `NotFound`."""
    payment = await tx.one(_STANDING, Payment, {"order_id": order_id})
    if payment is None:
        raise NotFound("unknown_payment", f"no payment for {order_id}")
    return payment


async def all_of_order(tx: Tx, order_id: str) -> list[Payment]:
    """The order's payments, also the replaced, oldest first."""
    return await tx.all(_OF_ORDER, Payment, {"order_id": order_id})


_ONE = _PAYMENTS.where(payments.c.id == bindparam("payment_id"))


async def get(tx: Tx, payment_id: str) -> Payment:
    """One payment. Raises `NotFound`."""
    payment = await tx.one(_ONE, Payment, {"payment_id": payment_id})
    if payment is None:
        raise NotFound("unknown_payment", f"no payment {payment_id}")
    return payment


_AT = _PAYMENTS.where(payments.c.gateway == bindparam("gateway"))
_OF_CHARGE = _AT.where(payments.c.charge == bindparam("charge"))
_OF_REFERENCE = _AT.where(payments.c.reference == bindparam("reference"))


async def of_charge(tx: Tx, gateway: str, charge: str) -> Payment | None:
    """The payment that a provider's charge belongs to, if it is one of ours."""
    return await tx.one(_OF_CHARGE, Payment, {"gateway": gateway, "charge": charge})


async def of_reference(tx: Tx, gateway: str, reference: str) -> Payment | None:
    """The payment that a provider knows under `reference`, if it is one of ours."""
    return await tx.one(_OF_REFERENCE, Payment, {"gateway": gateway, "reference": reference})


_OTHERS_OPEN = select(func.count()).where(
    payments.c.order_id == bindparam("order_id"), payments.c.id != bindparam("payment_id"), payments.c.state.in_(OPEN)
)


async def others_open(tx: Tx, payment: Payment) -> bool:
    """Whether another payment of the same order may still take or hold money."""
    return bool(await tx.scalar(_OTHERS_OPEN, {"order_id": payment.order_id, "payment_id": payment.id}))


_NOTE = update(payments).where(payments.c.id == bindparam("payment_id"))
_NOTE_ONCE = _NOTE.where(payments.c.payer.is_(None))


async def set_amount(tx: Tx, payment_id: str, amount: int) -> None:
    """What is to be authorized, once it is known which parts stand."""
    await tx.execute(_NOTE, {"payment_id": payment_id, "amount": amount})


async def set_reference(tx: Tx, payment_id: str, reference: str) -> None:
    """Note what the provider calls this payment."""
    await tx.execute(_NOTE, {"payment_id": payment_id, "reference": reference})


async def set_payer(tx: Tx, payment_id: str, payer: str) -> None:
    """Note for whom the provider keeps the method; once said it stays, for it is a parameter of a call with a frozen key."""
    await tx.execute(_NOTE_ONCE, {"payment_id": payment_id, "payer": payer})


async def set_replaced(tx: Tx, payment_id: str) -> None:
    """Note that the buyer wants to pay in another way."""
    await tx.execute(_NOTE, {"payment_id": payment_id, "replaced": True})


async def set_action(tx: Tx, payment_id: str, action: dict[str, Any] | None) -> None:
    """Note what the buyer has to do."""
    await tx.execute(_NOTE, {"payment_id": payment_id, "action": action})


async def set_disputed(tx: Tx, payment_id: str, *, disputed: bool) -> None:
    """Note whether the buyer's bank contests the payment."""
    await tx.execute(_NOTE, {"payment_id": payment_id, "disputed": disputed})


def moment(unix_seconds: int | None) -> datetime | None:
    """The moment of a provider's unix seconds."""
    return None if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC)
