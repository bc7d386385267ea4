"""The vendor's money over HTTP: what it has, why, what went back and what went to its bank."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.client.answers.books import Payout, Standing, Statement
from vendor_sdk.emulator import money, shown
from vendor_sdk.emulator.http.offers import Currency, Price
from vendor_sdk.emulator.http.orders import part_of
from vendor_sdk.emulator.http.pages import cursor, limit_of, newest_first, position
from vendor_sdk.emulator.http.request import Answer, Call, encoded
from vendor_sdk.emulator.http.write import write
from vendor_sdk.emulator.model import Book
from vendor_sdk.emulator.refusals import Conflict, Invalid, NotFound
from vendor_sdk.emulator.turn import Turn, moment

Moment = Annotated[datetime, Meta(tz=True)]
MONTH = 30 * 86_400.0


class PayoutWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be paid out: `amount`, or all that is available; not both."""

    amount: Price | None = None
    currency: Currency | None = None


def balance(call: Call) -> Answer:
    """What the vendor has, by currency."""
    return encoded(shown.balances(call.emulator.book))


def statement(call: Call) -> Answer:
    """A period: in each pot opening and all entries make closing."""
    book, now = call.emulator.book, call.emulator.clock()
    start, end = call.asked("from", Moment), call.asked("to", Moment)
    from_ = start.timestamp() if start else now - MONTH
    until = end.timestamp() if end else now
    limit, after = limit_of(call), position(call, int) or 0
    found = [entry for entry in book.entries if from_ <= entry.at < until and entry.number > after]
    cut = found[:limit]
    return encoded(
        Statement(
            start=moment(from_),
            end=moment(until),
            opening=_standing(book, from_),
            closing=_standing(book, until),
            data=[shown.entry(book, entry) for entry in cut],
            next_cursor=cursor(cut[-1].number) if len(found) > limit else None,
        )
    )


def of_order(call: Call) -> Answer:
    """The vendor's own money of one sub-order."""
    book = call.emulator.book
    part = part_of(book, call.args[0])
    return encoded([shown.entry(book, entry) for entry in book.entries if entry.part_id == part.id])


def refunds(call: Call) -> Answer:
    """What went back, newest first."""
    book = call.emulator.book
    return newest_first(call, book.refunds.values(), lambda one: shown.refund(book, one))


def payouts(call: Call) -> Answer:
    """What went to the bank, newest first."""
    book, state = call.emulator.book, call.request.query.get("state")
    found = [payout for payout in book.payouts.values() if state in {None, payout.state}]
    return newest_first(call, found, lambda one: shown.payout(book, one))


def payout(call: Call) -> Answer:
    """One of them."""
    book = call.emulator.book
    if call.args[0] not in book.payouts:
        raise NotFound("unknown_payout", f"no payout {call.args[0]}")
    return encoded(shown.payout(book, book.payouts[call.args[0]]))


def ask(call: Call) -> Answer:
    """Ask for a payout now."""
    wanted = call.body(PayoutWanted)

    def work(turn: Turn) -> Payout:
        if wanted.amount is not None and wanted.currency is not None:
            raise Invalid("amount_or_currency", "an amount has its currency", field="/currency")
        currency = wanted.amount.currency if wanted.amount else wanted.currency or turn.book.currency
        most = money.available(turn) if currency == turn.book.currency else 0
        if most <= 0:
            raise Conflict("nothing_available", f"nothing is available in {currency} now", currency=currency)
        amount = wanted.amount.amount if wanted.amount else most
        if amount > most:
            raise Conflict("more_than_available", f"{most} minor units of {currency} are available", available=most)
        return shown.payout(turn.book, money.pay_out(turn, amount, f"vendor:{turn.book.vendor}"))

    return write(call, work, status=201)


def _standing(book: Book, at: float) -> list[Standing]:
    lies = dict.fromkeys(shown.POTS, 0)
    for entry in book.entries:
        if entry.at < at:
            lies[entry.pot] += entry.amount
    return [Standing(currency=book.currency, **lies)] if any(entry.at < at for entry in book.entries) else []
