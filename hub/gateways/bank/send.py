"""Outgoing orders: what goes back to buyers, how an order is exported, executed, fails or comes back, and what of that is ours to book."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func

from hub.gateways.bank import facts, store
from hub.gateways.bank.model import BankLine, BankOrder, BankPayment, Export, Kind, NewOrder, SendTo
from hub.gateways.bank.rules import NAME, compact_iban, plain, taken_back
from hub.gateways.bank.states import BankOrderEvent, BankOrderState
from hub.kernel.errors import Conflict, Invalid
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Posting
from hub.orders import store as orders
from hub.refunds import send as refunds
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.vendors.money_terms import BankAccount

EXPORT_MAX = 1_000
LIFE = store.BANK_ORDER_LIFE
NAME_MAX = 70


async def back(  # what, of whom, and why
    tx: Tx, line: BankLine, amount: int, payment: BankPayment | None, *, reason: str, account: BankAccount | None = None
) -> BankOrder:
    """Of a receipt `amount` goes back, once; to where it came from unless `account` says otherwise."""
    new = NewOrder(
        key=f"{line.id}.back",
        kind=Kind.SEND_BACK if payment is None else Kind.GIVE_BACK,
        amount=amount,
        currency=line.currency,
        account=account or payer_of(line),
        text=plain(f"{payment.reference if payment else line.bank_id} {reason}", 140),
        order_id=payment.order_id if payment else None,
        payment_id=payment.id if payment else None,
        line_id=line.id,
    )
    return await store.add_order(tx, new)


async def back_unused(tx: Tx, payment: BankPayment, amount: int, reason: str) -> None:
    """Of all that came for a payment `amount` goes back."""
    if amount:
        for line, part in taken_back(await store.receipts_of(tx, payment.id), amount):
            await back(tx, line, part, payment, reason=reason)


def payer_of(line: BankLine) -> BankAccount | None:
    """Where a receipt came from, if the bank has said so."""
    if line.payer_iban is None:
        return None
    return BankAccount(holder=plain(line.payer_name, NAME_MAX) or "NOTPROVIDED", iban=line.payer_iban)


def payer_of_all(lines: Sequence[BankLine]) -> BankAccount | None:
    """The one account that everything came from; None if there are several, or one is unknown."""
    payers = {line.payer_iban: payer_of(line) for line in lines}
    return next(iter(payers.values())) if len(payers) == 1 else None


def checked(account: BankAccount | None) -> BankAccount | None:
    """Raises `Invalid` (``iban_invalid``) if its check digits are wrong."""
    if account is not None and compact_iban(account.iban) is None:
        raise Invalid("iban_invalid", "its check digits are wrong", field="/account/iban")
    return account


async def set_account(tx: Tx, order_id: str, to: SendTo) -> BankOrder:
    """Where an order that is not exported yet goes. Raises `NotFound`, `Conflict`: ``bank_order_sent``, `Invalid`."""
    await store.one_at_a_time(tx)
    order = await store.order(tx, order_id, lock=True)
    account = checked(to.account)
    if account is None:
        raise Invalid("account_missing", "say which account", field="/account")
    if order.state is not BankOrderState.OPEN:
        raise Conflict("bank_order_sent", f"it is {order.state} already", state=str(order.state))
    await store.set_account(tx, order.id, msgspec.structs.asdict(account) | {"reason": to.reason})
    return await store.order(tx, order.id)


async def export(tx: Tx) -> Export:
    """Put together what can be sent. What was exported is never exported again; its files can be fetched any time."""
    await store.one_at_a_time(tx)
    due = await store.sendable(tx, EXPORT_MAX)
    if not due:
        return Export(id=None, orders=0)
    export_id = tx.ids.new("bex")
    values = {"export_id": export_id, "exported_at": func.now()}
    for order in due:
        await LIFE.advance(tx, order.id, BankOrderEvent.EXPORT, data={"export_id": export_id}, values=values)
    return Export(id=export_id, orders=len(due))


async def mark_executed(tx: Tx, order_id: str, reason: str) -> BankOrder:
    """An operator has seen it on the account; the bank's line is tied to it when it comes. Raises `NotFound`, `Conflict`."""
    await store.one_at_a_time(tx)
    await executed(tx, await _locked(tx, order_id), reason)
    return await store.order(tx, order_id)


async def mark_failed(tx: Tx, order_id: str, reason: str) -> BankOrder:
    """The bank did not send it, or the money has come back. Raises `NotFound`, `Conflict`."""
    await store.one_at_a_time(tx)
    order = await _locked(tx, order_id)
    if order.state is BankOrderState.EXECUTED:
        await come_back(tx, order, reason)
    else:
        await _end(tx, order, BankOrderEvent.FAIL, reason)
    return await store.order(tx, order_id)


async def retry(tx: Tx, order_id: str, to: SendTo) -> BankOrder:
    """Send a failed order anew, once. Raises `NotFound`, `Conflict`: ``bank_order_not_failed``, ``hub_retries``.

    Refunds and transfers are the hub's to repeat: it sees that they failed.
    """
    await store.one_at_a_time(tx)
    order = await store.order(tx, order_id, lock=True)
    if order.kind in {Kind.REFUND, Kind.TRANSFER}:
        raise Conflict("hub_retries", f"a {order.kind} is made anew where it was asked for")
    if order.state is not BankOrderState.FAILED:
        raise Conflict("bank_order_not_failed", f"it is {order.state}", state=str(order.state))
    account = checked(to.account) or _account(order)
    return await store.add_order(
        tx,
        NewOrder(
            key=f"{order.id}.again",
            kind=order.kind,
            amount=order.amount,
            currency=order.currency,
            account=account,
            text=order.text,
            order_id=order.order_id,
            payment_id=order.payment_id,
            line_id=order.line_id,
        ),
    )


async def _locked(tx: Tx, order_id: str) -> BankOrder:
    """An order to the bank, locked, after the customer's order that it is for."""
    order = await store.order(tx, order_id)
    if order.order_id is not None:
        await orders.lock(tx, order.order_id)
    return await store.order(tx, order_id, lock=True)


async def executed(tx: Tx, order: BankOrder, reason: str) -> None:
    """A locked order was carried out: book it where the hub does not."""
    await _end(tx, order, BankOrderEvent.EXECUTE, reason)
    if moves := await _given_back(tx, order):
        await ledger.post(tx, order.kind, order_id=order.order_id, cause=order.id, moves=moves, reference=order.id)


async def come_back(tx: Tx, order: BankOrder, reason: str) -> None:
    """The money of a locked, executed order is on our account again."""
    await _end(tx, order, BankOrderEvent.COME_BACK, reason)
    moves = [Posting(move.destination, move.source, move.amount, move.currency) for move in await _given_back(tx, order)]
    if moves:
        await ledger.post(tx, f"{order.kind}_came_back", order_id=order.order_id, cause=order.id, moves=moves, reference=order.id)
    if order.kind is Kind.REFUND and order.payment_id is not None:
        payment = await store.payment_of_id(tx, order.payment_id)
        await refunds.take_notice(tx, facts.of_refund(await store.order(tx, order.id), payment.reference))


async def _given_back(tx: Tx, order: BankOrder) -> list[Posting]:
    """What an execution moves in the books; refunds and transfers are booked by whoever asked for them."""
    if order.kind is Kind.SEND_BACK:
        return recipes.unexplained(NAME, -order.amount, order.currency)
    if order.kind is Kind.GIVE_BACK and order.payment_id is not None:
        payment = await store.payment_of_id(tx, order.payment_id)
        return recipes.give_back_received(NAME, payment.payment_id, order.amount, order.currency)
    return []


async def _end(tx: Tx, order: BankOrder, event: BankOrderEvent, reason: str) -> None:
    values = {"reason": reason} | ({"executed_at": func.now()} if event is BankOrderEvent.EXECUTE else {})
    after = await LIFE.advance(tx, order.id, event, reason=reason, values=values)
    if order.kind is Kind.TRANSFER and after is BankOrderState.FAILED and order.vendor is not None:
        # The hub has booked it as gone: it is the vendor's again, to be sent on as a credit.
        moves = recipes.reverse(NAME, recipes.vendor_account(order.vendor), order.amount, order.currency)
        await ledger.post(
            tx, "transfer_failed", order_id=order.order_id, vendor=order.vendor, cause=order.id, moves=moves, reference=order.id
        )
    if order.order_id is not None:
        await steps.wake(tx, order.order_id)


def _account(order: BankOrder) -> BankAccount | None:
    return None if order.iban is None else BankAccount(holder=order.holder, iban=order.iban, bic=order.bic)
