"""The only reader and writer of the bank's tables (states go through their lives)."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Select, and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.gateways.bank.model import BankLine, BankOrder, BankPayment, Kind, NewLine, NewOrder
from hub.gateways.bank.pain import plain_id
from hub.gateways.bank.states import BANK_ORDER, BANK_PAYMENT, BankOrderState
from hub.gateways.bank.tables import bank_lines, bank_orders, bank_payments
from hub.kernel.errors import NotFound
from hub.payments.facts import Funds
from hub.runtime.database import Tx
from hub.runtime.life import Life

BANK_PAYMENT_LIFE = Life(BANK_PAYMENT, bank_payments, saga_column="id")
BANK_ORDER_LIFE = Life(BANK_ORDER, bank_orders, saga_column="id")
"""Sagas of their own: an order's timeline is written under the order's lock, which a bank file does not take."""

_PAYMENT = select(*(bank_payments.c[name] for name in BankPayment.__struct_fields__))
_LINE = select(*(bank_lines.c[name] for name in BankLine.__struct_fields__))
_ORDER = select(*(bank_orders.c[name] for name in BankOrder.__struct_fields__))

UNMATCHED = and_(bank_lines.c.amount > 0, bank_lines.c.payment_id.is_(None), bank_lines.c.bank_order_id.is_(None), ~bank_lines.c.sent_back)


_ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtextextended("bank", 0)))


async def one_at_a_time(tx: Tx) -> None:
    """Wait until no other file is booked and no other operator decides; held to the end of the transaction.

    What is taken after it (payments, orders) may be taken in any order; the gateway's own calls take one payment each.
    """
    await tx.scalar(_ONE_AT_A_TIME)


_OPEN_PAYMENT = pg_insert(bank_payments).on_conflict_do_nothing()


async def open_payment(  # noqa: PLR0913  # a row, all by name
    tx: Tx, *, key: str, order_id: str, payment_id: str, reference: str, amount: int, currency: str
) -> bool:
    """Expect a payment; False if there is one of this key or reference."""
    new = tx.ids.new("bpm")
    row = {"id": new, "key": key, "order_id": order_id, "payment_id": payment_id, "reference": reference}
    values = {**row, "amount": amount, "currency": currency, "state": str(BANK_PAYMENT.initial)}
    fresh = await tx.execute(_OPEN_PAYMENT, values)
    if fresh:
        BANK_PAYMENT_LIFE.born(tx, new, new, data={"order_id": order_id, "reference": reference})
    return bool(fresh)


_PAYMENTS_OF_ORDER = _PAYMENT.where(bank_payments.c.order_id == bindparam("order_id")).order_by(bank_payments.c.id)
_PAYMENT_OF_KEY = _PAYMENT.where(bank_payments.c.key == bindparam("key"))
_PAYMENT_OF_REFERENCE = _PAYMENT.where(bank_payments.c.reference == bindparam("reference"))
_PAYMENT_LOCKED = _PAYMENT_OF_REFERENCE.with_for_update()
_PAYMENT_OF_ID = _PAYMENT.where(bank_payments.c.id == bindparam("payment_id"))
_PAYMENTS_IN = _PAYMENT.where(
    bank_payments.c.reference.in_(bindparam("references", expanding=True)), bank_payments.c.currency == bindparam("currency")
).with_for_update()


async def payments_of_order(tx: Tx, order_id: str) -> list[BankPayment]:
    """Every payment that was expected for an order, oldest first."""
    return await tx.all(_PAYMENTS_OF_ORDER, BankPayment, {"order_id": order_id})


async def payment_of_key(tx: Tx, key: str) -> BankPayment | None:
    """The payment opened under `key`."""
    return await tx.one(_PAYMENT_OF_KEY, BankPayment, {"key": key})


async def payment(tx: Tx, reference: str, *, lock: bool = False) -> BankPayment | None:
    """The payment with this reference."""
    return await tx.one(_PAYMENT_LOCKED if lock else _PAYMENT_OF_REFERENCE, BankPayment, {"reference": reference})


async def payment_of_id(tx: Tx, payment_id: str) -> BankPayment:
    """One payment. Raises `NotFound`."""
    found = await tx.one(_PAYMENT_OF_ID, BankPayment, {"payment_id": payment_id})
    if found is None:
        raise NotFound("unknown_bank_payment", f"no bank payment {payment_id}")
    return found


async def payment_in(tx: Tx, references: Collection[str], currency: str) -> BankPayment | None:
    """The payment that one of these is the reference of, locked; None if none is, or several."""
    if not references:
        return None
    found = await tx.all(_PAYMENTS_IN, BankPayment, {"references": list(references), "currency": currency})
    return found[0] if len(found) == 1 else None


async def payments(tx: Tx, *, state: str | None, after: str | None, limit: int) -> list[BankPayment]:
    """Expected payments, newest first."""
    p = bank_payments.c
    query = _PAYMENT.order_by(p.id.desc()).limit(limit)
    query = query if state is None else query.where(p.state == state)
    return await tx.all(query if after is None else query.where(p.id < after), BankPayment)


_NOTE_PAYMENT = update(bank_payments).where(bank_payments.c.id == bindparam("bank_payment_id"))


async def set_received(tx: Tx, payment_id: str, received: int) -> None:
    """Note how much of a payment has come."""
    await tx.execute(_NOTE_PAYMENT, {"bank_payment_id": payment_id, "received": received})


_ADD_LINE = pg_insert(bank_lines).on_conflict_do_nothing(index_elements=["bank_id"])


async def add_line(tx: Tx, new: NewLine, source: str) -> str | None:
    """A line's id; None if the bank's id was booked before."""
    line_id = tx.ids.new("bln")
    values = {name: getattr(new, name) for name in NewLine.__struct_fields__ if name != "number"}
    values |= {"id": line_id, "source": source, "recorded_by": str(tx.actor)}
    fresh = await tx.execute(_ADD_LINE, values)
    return line_id if fresh else None


_LINE_OF_BANK_ID = _LINE.where(bank_lines.c.bank_id == bindparam("bank_id"))
_LINE_OF_ID = _LINE.where(bank_lines.c.id == bindparam("line_id"))
_RECEIPTS = _LINE.where(bank_lines.c.payment_id == bindparam("payment_id")).order_by(bank_lines.c.id)


async def line_of_bank_id(tx: Tx, bank_id: str) -> BankLine | None:
    """The line that the bank knows under this id."""
    return await tx.one(_LINE_OF_BANK_ID, BankLine, {"bank_id": bank_id})


async def line(tx: Tx, line_id: str) -> BankLine:
    """One line. Raises `NotFound`."""
    found = await tx.one(_LINE_OF_ID, BankLine, {"line_id": line_id})
    if found is None:
        raise NotFound("unknown_receipt", f"no receipt {line_id}")
    return found


async def lines(tx: Tx, *, unmatched: bool, after: str | None, limit: int) -> list[BankLine]:
    """Lines of our account, newest first."""
    query = _LINE.order_by(bank_lines.c.id.desc()).limit(limit)
    query = query.where(UNMATCHED) if unmatched else query
    return await tx.all(query if after is None else query.where(bank_lines.c.id < after), BankLine)


async def receipts_of(tx: Tx, payment_id: str) -> list[BankLine]:
    """What has come for a payment, oldest first."""
    return await tx.all(_RECEIPTS, BankLine, {"payment_id": payment_id})


_NOTE_LINE = update(bank_lines).where(bank_lines.c.id == bindparam("line_id"))


async def note(tx: Tx, line_id: str, **values: Any) -> None:
    """Note what a line was for: `payment_id`, `bank_order_id`, `sent_back`, and an operator's `note`."""
    await tx.execute(_NOTE_LINE, {"line_id": line_id, **values})


async def lines_between(tx: Tx, since: int, until: int) -> list[BankLine]:
    """Lines that we learned of from one unix second to before another, oldest first."""
    at = bank_lines.c.created_at
    inside = (at >= func.to_timestamp(since), at < func.to_timestamp(until))
    return await tx.all(_LINE.where(*inside).order_by(at, bank_lines.c.id), BankLine)


async def funds(tx: Tx) -> dict[str, Funds]:
    """What lies on our account by its lines, and (`pending`, below zero) what is still to be sent."""
    lines_, orders_ = bank_lines.c, bank_orders.c
    there = {row.currency: int(row.amount) for row in await tx.rows(_sums(lines_.currency, lines_.amount))}
    unsent = _sums(orders_.currency, orders_.amount).where(orders_.state.in_([BankOrderState.OPEN, BankOrderState.EXPORTED]))
    due = {row.currency: int(row.amount) for row in await tx.rows(unsent)}
    return {name: Funds(available=there.get(name, 0), pending=-due.get(name, 0)) for name in sorted(there.keys() | due.keys())}


def _sums(currency: Any, amount: Any) -> Select[Any, Any]:
    return select(currency.label("currency"), func.sum(amount).label("amount")).group_by(currency)


_ADD_ORDER = pg_insert(bank_orders).on_conflict_do_nothing(index_elements=["key"])


async def add_order(tx: Tx, new: NewOrder) -> BankOrder:
    """Write an order once for its key; what stands there under the key, new or not."""
    order_id = tx.ids.new("bor")
    values: dict[str, Any] = {name: getattr(new, name) for name in NewOrder.__struct_fields__ if name != "account"}
    values |= {"id": order_id, "end_to_end": plain_id(order_id), "state": str(BANK_ORDER.initial), **account_of(new)}
    if await tx.execute(_ADD_ORDER, values):
        BANK_ORDER_LIFE.born(tx, order_id, order_id, data={"kind": new.kind, "amount": new.amount, "currency": new.currency})
    found = await order_of_key(tx, new.key)
    assert found is not None, "it was just written, or was there"
    return found


def account_of(new: NewOrder) -> dict[str, str | None]:
    """The columns that say where it goes."""
    return {} if new.account is None else msgspec.structs.asdict(new.account)


_ORDER_OF_ID = _ORDER.where(bank_orders.c.id == bindparam("bank_order_id"))
_ORDER_LOCKED = _ORDER_OF_ID.with_for_update()
_ORDER_OF_KEY = _ORDER.where(bank_orders.c.key == bindparam("key"))
_ORDER_OF_END_TO_END = _ORDER.where(bank_orders.c.end_to_end == bindparam("end_to_end")).with_for_update()


async def order(tx: Tx, order_id: str, *, lock: bool = False) -> BankOrder:
    """One order. Raises `NotFound`."""
    found = await tx.one(_ORDER_LOCKED if lock else _ORDER_OF_ID, BankOrder, {"bank_order_id": order_id})
    if found is None:
        raise NotFound("unknown_bank_order", f"no bank order {order_id}")
    return found


async def order_of_key(tx: Tx, key: str) -> BankOrder | None:
    """The order made under `key`."""
    return await tx.one(_ORDER_OF_KEY, BankOrder, {"key": key})


async def order_of_end_to_end(tx: Tx, end_to_end: str) -> BankOrder | None:
    """The order that a line names, locked."""
    return await tx.one(_ORDER_OF_END_TO_END, BankOrder, {"end_to_end": end_to_end.upper()})


async def orders_of_payment(tx: Tx, payment_id: str) -> list[BankOrder]:
    """What goes back for a payment, oldest first."""
    return await tx.all(_ORDER.where(bank_orders.c.payment_id == payment_id).order_by(bank_orders.c.id), BankOrder)


async def orders_named(tx: Tx, references: Collection[str], end_to_ends: Collection[str]) -> list[str]:
    """The orders (of customers) whose payments or bank orders are named so, sorted."""
    p, o = bank_payments.c, bank_orders.c
    paid = select(p.order_id).where(p.reference.in_(references))
    sent = select(o.order_id).where(o.end_to_end.in_(end_to_ends), o.order_id.is_not(None))
    return sorted({row.order_id for query in (paid, sent) for row in await tx.rows(query)})


async def orders(tx: Tx, *, state: str | None, after: str | None, limit: int) -> list[BankOrder]:
    """Outgoing orders, newest first."""
    query = _ORDER.order_by(bank_orders.c.id.desc()).limit(limit)
    query = query if state is None else query.where(bank_orders.c.state == state)
    return await tx.all(query if after is None else query.where(bank_orders.c.id < after), BankOrder)


async def sendable(tx: Tx, limit: int) -> list[BankOrder]:
    """Open orders of which it is known where they go, oldest first."""
    o = bank_orders.c
    return await tx.all(_ORDER.where(o.state == BankOrderState.OPEN, o.iban.is_not(None)).order_by(o.id).limit(limit), BankOrder)


async def orders_of_export(tx: Tx, export_id: str) -> list[BankOrder]:
    """The orders of an export. Raises `NotFound`."""
    found = await tx.all(_ORDER.where(bank_orders.c.export_id == export_id).order_by(bank_orders.c.id), BankOrder)
    if not found:
        raise NotFound("unknown_export", f"no export {export_id}")
    return found


_NOTE_ORDER = update(bank_orders).where(bank_orders.c.id == bindparam("bank_order_id"))


async def set_account(tx: Tx, order_id: str, values: dict[str, str | None]) -> None:
    """Note where an order goes."""
    await tx.execute(_NOTE_ORDER, {"bank_order_id": order_id, **values})


_REFUNDED = select(func.coalesce(func.sum(bank_orders.c.amount), 0)).where(
    bank_orders.c.payment_id == bindparam("payment_id"), bank_orders.c.kind == Kind.REFUND, bank_orders.c.state != BankOrderState.FAILED
)


async def refunded(tx: Tx, payment_id: str) -> int:
    """How much of a captured payment is, or will be, refunded."""
    return int(await tx.scalar(_REFUNDED, {"payment_id": payment_id}))


_LINES_OF_ORDER = select(func.count()).where(bank_lines.c.bank_order_id == bindparam("order"))
_CAME, _WENT = _LINES_OF_ORDER.where(bank_lines.c.amount > 0), _LINES_OF_ORDER.where(bank_lines.c.amount < 0)


async def line_known(tx: Tx, bank_order_id: str, *, incoming: bool) -> bool:
    """Whether a line is known that executed this order, or (`incoming`) brought its money back."""
    return bool(await tx.scalar(_CAME if incoming else _WENT, {"order": bank_order_id}))
