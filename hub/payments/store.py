"""The only writer of payments (states go through their life), and but for what a release is decided by their only reader."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, exists, insert, select, update

from hub.customers import at_provider
from hub.kernel.errors import NotFound
from hub.payments.states import OPEN, PAYMENT, PaymentEvent, PaymentState, gateway_of
from hub.payments.tables import payments
from hub.runtime.database import Tx
from hub.runtime.life import Life, Seen

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

_BORN: dict[str, Any] = {
    "captured": 0,
    "fee": 0,
    "replaced": False,
    "disputed": False,
    "payer": None,
    **dict.fromkeys(("reference", "charge", "action", "capture_before")),
}
"""What a new payment has not yet. Who pays is known where it is kept: nobody sends a payment in the transaction that opens it."""

_ADD = insert(payments).values(payer=at_provider.reference_of(bindparam("payer_of"), bindparam("payer_at")))


def open_payment(  # noqa: PLR0913 - one payment, all by name
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
    tx.put(_ADD, {**values, "payer_of": customer_id, "payer_at": gateway})
    PAYMENT_LIFE.born(tx, payment_id, order_id)
    _hold(tx, Payment(**values, **_BORN))
    return payment_id


_STANDING = _PAYMENTS.where(payments.c.order_id == bindparam("order_id"), ~payments.c.replaced)
_OF_ORDER = _PAYMENTS.where(payments.c.order_id == bindparam("order_id")).order_by(payments.c.id)


async def of_order(tx: Tx, order_id: str) -> Payment:
    """The order's payment. Raises `NotFound`."""
    held = tx.held.get(_standing(order_id))
    if held is not None:
        return tx.held[held]
    payment = await tx.one(_STANDING, Payment, {"order_id": order_id})
    if payment is None:
        raise NotFound("unknown_payment", f"no payment for {order_id}")
    return _hold(tx, payment)


def _standing(order_id: str) -> str:
    return f"payment of {order_id}"


def _hold(tx: Tx, payment: Payment) -> Payment:
    """Who has locked the order need not read its payments twice."""
    if payment.order_id in tx.held:
        tx.held[payment.id] = payment
        if not payment.replaced:
            tx.held[_standing(payment.order_id)] = payment.id
    return payment


async def all_of_order(tx: Tx, order_id: str) -> list[Payment]:
    """The order's payments, also the replaced, oldest first."""
    return await tx.all(_OF_ORDER, Payment, {"order_id": order_id})


_ONE = _PAYMENTS.where(payments.c.id == bindparam("payment_id"))


async def get(tx: Tx, payment_id: str) -> Payment:
    """One payment. Raises `NotFound`."""
    held: Payment | None = tx.held.get(payment_id)
    if held is not None:
        return held
    payment = await tx.one(_ONE, Payment, {"payment_id": payment_id})
    if payment is None:
        raise NotFound("unknown_payment", f"no payment {payment_id}")
    return _hold(tx, payment)


_AT = _PAYMENTS.where(payments.c.gateway == bindparam("gateway"))
_OF_CHARGE = _AT.where(payments.c.charge == bindparam("charge"))
_OF_REFERENCE = _AT.where(payments.c.reference == bindparam("reference"))


async def of_charge(tx: Tx, gateway: str, charge: str) -> Payment | None:
    """The payment that a provider's charge belongs to, if it is one of ours."""
    return await tx.one(_OF_CHARGE, Payment, {"gateway": gateway, "charge": charge})


async def of_reference(tx: Tx, gateway: str, reference: str) -> Payment | None:
    """The payment that a provider knows under `reference`, if it is one of ours."""
    return await tx.one(_OF_REFERENCE, Payment, {"gateway": gateway, "reference": reference})


class ToAuthorize(Payment, frozen=True, kw_only=True):
    """A payment, and whether another one of the same order may still take or hold money."""

    others_open: bool


_other = payments.alias("other")
_OTHERS_OPEN = exists().where(_other.c.order_id == payments.c.order_id, _other.c.id != payments.c.id, _other.c.state.in_(OPEN))
_TO_AUTHORIZE = _PAYMENTS.add_columns(_OTHERS_OPEN.label("others_open")).where(payments.c.id == bindparam("payment_id"))


async def to_authorize(tx: Tx, payment_id: str) -> ToAuthorize:
    """What is known before a payment is authorized. Raises `NotFound`."""
    payment = await tx.one(_TO_AUTHORIZE, ToAuthorize, {"payment_id": payment_id})
    if payment is None:
        raise NotFound("unknown_payment", f"no payment {payment_id}")
    return payment


_NOTE = update(payments).where(payments.c.id == bindparam("payment_id"))
_NOTE_ONCE = _NOTE.where(payments.c.payer.is_(None))


async def advance(  # one move, all by name
    tx: Tx, payment: Payment, event: PaymentEvent, *, reason: str = "", data: dict[str, Any] | None = None, **values: Any
) -> None:
    """Apply `event` to a payment of a locked order, and save `values` beside its new state. Raises `Conflict`."""
    seen = Seen(payment.id, payment.order_id, payment.state)
    state = await PAYMENT_LIFE.advance_seen(tx, seen, event, reason=reason, data=data, values=values)
    _changed(tx, payment.id, state=state, **values)


def _changed(tx: Tx, payment_id: str, **values: Any) -> None:
    held: Payment | None = tx.held.pop(payment_id, None)
    if held is not None:
        tx.held.pop(_standing(held.order_id), None)
        _hold(tx, msgspec.structs.replace(held, **values))


async def _note(tx: Tx, payment_id: str, **values: Any) -> None:
    noted = {"payment_id": payment_id, **values}
    if tx.is_fresh(payments, payment_id):
        tx.later(_NOTE, payment_id, noted)
    else:
        await tx.execute(_NOTE, noted)
    _changed(tx, payment_id, **values)


async def set_amount(tx: Tx, payment_id: str, amount: int) -> None:
    """What is to be authorized, once it is known which parts stand."""
    await _note(tx, payment_id, amount=amount)


async def set_reference(tx: Tx, payment_id: str, reference: str) -> None:
    """Note what the provider calls this payment."""
    await _note(tx, payment_id, reference=reference)


async def set_payer(tx: Tx, payment_id: str, payer: str) -> None:
    """Note for whom the provider keeps the method; once said it stays, for it is a parameter of a call with a frozen key."""
    await tx.execute(_NOTE_ONCE, {"payment_id": payment_id, "payer": payer})


async def set_replaced(tx: Tx, payment_id: str) -> None:
    """Note that the buyer wants to pay in another way."""
    await _note(tx, payment_id, replaced=True)


async def set_action(tx: Tx, payment_id: str, action: dict[str, Any] | None) -> None:
    """Note what the buyer has to do."""
    await _note(tx, payment_id, action=action)


async def set_disputed(tx: Tx, payment_id: str, *, disputed: bool) -> None:
    """Note whether the buyer's bank contests the payment."""
    await _note(tx, payment_id, disputed=disputed)


def moment(unix_seconds: int | None) -> datetime | None:
    """The moment of a provider's unix seconds."""
    return None if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC)
