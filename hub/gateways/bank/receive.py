"""Book lines of our bank account: what arrives goes to the payment whose reference it names, or waits in suspense."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from hub.gateways.bank import send, store
from hub.gateways.bank.malformed import malformed
from hub.gateways.bank.model import LINES_MAX, Assignment, BankLine, BankOrder, BankPayment, FileReport, NewLine, NewReceipt, SendTo
from hub.gateways.bank.rules import NAME, compact_iban, references_in
from hub.gateways.bank.states import BANK_PAYMENT, BankOrderState, BankPaymentEvent, BankPaymentState
from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.orders import store as orders
from hub.runtime import steps
from hub.runtime.database import Tx

BY_HAND = "hand"

_ENDED = frozenset({BankPaymentState.CAPTURED, BankPaymentState.CLOSED})


class Booked(StrEnum):
    """What a line turned out to be; the fields of `FileReport`."""

    KNOWN = "known"
    MATCHED = "matched"
    UNMATCHED = "unmatched"
    EXECUTED = "executed"
    CAME_BACK = "came_back"
    UNEXPLAINED = "unexplained"


async def book_file(tx: Tx, lines: Sequence[NewLine], source: str) -> FileReport:
    """Book what is new of a file, all or nothing; what was sent before what came, so that what came back finds its order sent."""
    if len(lines) > LINES_MAX:
        raise malformed([(lines[LINES_MAX].number, f"a file may have {LINES_MAX} lines")])
    await store.one_at_a_time(tx)
    await _lock_orders(tx, lines)
    counted = Counter([await _book(tx, line, source) for line in sorted(lines, key=lambda line: line.amount > 0)])
    return FileReport(lines=len(lines), **{str(kind): number for kind, number in counted.items()})


async def confirm(tx: Tx, reference: str, receipt: NewReceipt) -> BankPayment:
    """An operator has seen money on the account. Raises `NotFound`, `Conflict`: ``currency_differs``, ``bank_line_differs``."""
    await store.one_at_a_time(tx)
    payment = await _expected(tx, reference)
    if payment.currency != receipt.currency:
        raise Conflict("currency_differs", f"{reference} is to be paid in {payment.currency}", field="/currency")
    iban = compact_iban(receipt.payer_iban)
    if receipt.payer_iban and iban is None:
        raise Invalid("iban_invalid", "its form or its check digits are wrong", field="/payer_iban")
    new = NewLine(
        number=1,
        bank_id=receipt.bank_id,
        booked_on=receipt.booked_on,
        amount=receipt.amount,
        currency=receipt.currency,
        text=payment.reference,
        payer_name=receipt.payer_name,
        payer_iban=iban,
        note=receipt.note,
    )
    if await _book(tx, new, BY_HAND) is Booked.KNOWN:
        known = await store.line_of_bank_id(tx, receipt.bank_id)
        if known is None or known.payment_id != payment.id:
            raise Conflict("receipt_known", "this line is known, and was not for this payment: assign it", field="/bank_id")
    return await _expected(tx, reference)


async def assign(tx: Tx, line_id: str, to: Assignment) -> BankPayment:
    """An operator knows what an unmatched receipt is for. Raises `NotFound`, `Conflict`: ``not_unmatched``, ``currency_differs``."""
    await store.one_at_a_time(tx)
    line = await unmatched(tx, line_id)
    payment = await _expected(tx, to.reference)
    if payment.currency != line.currency:
        raise Conflict("currency_differs", f"{to.reference} is to be paid in {payment.currency}, not {line.currency}", field="/reference")
    await store.note(tx, line.id, payment_id=payment.id, note=to.note)
    moves = recipes.explained(payment.payment_id, line.amount, line.currency)
    await ledger.post(tx, "assign", order_id=payment.order_id, cause=line.id, moves=moves, reference=line.bank_id)
    await _arrived(tx, payment, line)
    return await _expected(tx, to.reference)


async def send_back(tx: Tx, line_id: str, to: SendTo) -> BankOrder:
    """Nobody knows what a receipt is for: it goes back. Raises `NotFound`, `Conflict`: ``not_unmatched``, `Invalid`: ``iban_invalid``."""
    await store.one_at_a_time(tx)
    line = await unmatched(tx, line_id)
    order = await send.back(tx, line, line.amount, None, account=send.checked(to.account), reason=to.reason)
    await store.note(tx, line.id, sent_back=True, note=to.reason)
    return order


async def unmatched(tx: Tx, line_id: str) -> BankLine:
    """A receipt that belongs to no payment yet. Raises `NotFound`, `Conflict`: ``not_unmatched``."""
    line = await store.line(tx, line_id)
    if line.amount < 0 or line.payment_id is not None or line.bank_order_id is not None or line.sent_back:
        raise Conflict("not_unmatched", "this line is accounted for")
    return line


async def _lock_orders(tx: Tx, lines: Sequence[NewLine]) -> None:
    """Orders come first in the order of locks, before what is booked to them."""
    references = {each for line in lines for each in references_in(line.text)}
    named = {line.end_to_end.upper() for line in lines if line.end_to_end}
    for order_id in await store.orders_named(tx, references, named):
        await orders.lock(tx, order_id)


async def _expected(tx: Tx, reference: str) -> BankPayment:
    """A payment, it and its order locked. Raises `NotFound`."""
    said = "".join(reference.split()).upper()
    payment = await store.payment(tx, said)
    if payment is not None:
        await orders.lock(tx, payment.order_id)
        payment = await store.payment(tx, said, lock=True)
    if payment is None:
        raise NotFound("unknown_bank_payment", f"no payment is expected under {reference}")
    return payment


async def _book(tx: Tx, new: NewLine, source: str) -> Booked:
    line_id = await store.add_line(tx, new, source)
    if line_id is None:
        before = await store.line_of_bank_id(tx, new.bank_id)
        if before is None or (before.amount, before.currency) != (new.amount, new.currency):
            text = f"line {new.number}: {new.bank_id} was booked before with another amount; nothing was booked"
            raise Conflict("bank_line_differs", text, line=new.number)
        return Booked.KNOWN
    line = await store.line(tx, line_id)
    order = await store.order_of_end_to_end(tx, new.end_to_end) if new.end_to_end else None
    if order is not None and (order.amount, order.currency) == (abs(new.amount), new.currency):
        found = await _ours(tx, line, order)
        if found is not None:
            return found
    payment = await store.payment_in(tx, references_in(new.text), new.currency) if new.amount > 0 else None
    if payment is None:
        moves = recipes.unexplained(NAME, line.amount, line.currency)
        await ledger.post(tx, "unexplained", cause=line.id, moves=moves, reference=line.bank_id)
        return Booked.UNMATCHED if line.amount > 0 else Booked.UNEXPLAINED
    await store.note(tx, line.id, payment_id=payment.id)
    moves = recipes.receive(NAME, payment.payment_id, line.amount, line.currency)
    await ledger.post(tx, "receive", order_id=payment.order_id, cause=line.id, moves=moves, reference=line.bank_id)
    await _arrived(tx, payment, line)
    return Booked.MATCHED


async def _ours(tx: Tx, line: BankLine, order: BankOrder) -> Booked | None:
    """A line that names one of our orders: its execution, or its money on the way back. None if it is neither.

    What an operator has said before is booked already; the line is then only noted, once.
    """
    incoming = line.amount > 0
    if await store.line_known(tx, order.id, incoming=incoming):
        return None
    if order.executed_at is None and (incoming or order.state is BankOrderState.FAILED):
        return None
    if not incoming and order.executed_at is None:
        await send.executed(tx, order, "")
    if incoming and order.state is BankOrderState.EXECUTED:
        await send.come_back(tx, order, "the money came back")
    await store.note(tx, line.id, bank_order_id=order.id)
    return Booked.CAME_BACK if incoming else Booked.EXECUTED


async def _arrived(tx: Tx, payment: BankPayment, line: BankLine) -> None:
    """Count what has come for a locked payment; what comes after its end goes back whole."""
    received = payment.received + line.amount
    if received >= payment.amount and BANK_PAYMENT.allows(payment.state, BankPaymentEvent.FILL):
        values = {"received": received}
        await store.BANK_PAYMENT_LIFE.advance(tx, payment.id, BankPaymentEvent.FILL, data=values, values=values)
    else:
        await store.set_received(tx, payment.id, received)
    if payment.state in _ENDED:
        await send.back(tx, msgspec.structs.replace(line, payment_id=payment.id), line.amount, payment, reason=f"payment {payment.state}")
    await steps.wake(tx, payment.order_id)
