"""A vendor's money over HTTP: what it has with us, its statements, and the story of each of its sub-orders to the cent."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Stream
from sqlalchemy import func, select, text

from hub.kernel.money import plain
from hub.ledger import statement
from hub.ledger.api import asked_period
from hub.ledger.statement import Position, Pot, Standing, StatementEntry
from hub.orders import store as orders
from hub.runtime.callers import VENDORS
from hub.runtime.csv_text import CSV, Number, download, line, wants_csv
from hub.runtime.database import Database, Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.moments import From, Period, To
from hub.runtime.pages import LIMIT, Cursor, Limit, cursor_of, position_of
from hub.transfers.states import TransferState
from hub.transfers.tables import transfers

BATCH = 500
"""Entries read at once for an export."""
SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

SubOrderId = Annotated[str, PathParameter(max_length=64)]

COLUMNS = (
    *("entry", "at", "kind", "why", "order", "sub_order", "reference", "pot"),
    *("amount", "currency", "amount_minor", "transaction"),
)


class VendorBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor has in one currency, in minor units.

    `held` is its shares until they may be transferred; `reserved` is kept longer, against refunds and disputes; `due` is
    what it has with us beside these, below zero what it owes us; `on_its_way` is the part of all these that is being
    transferred now. `transferred` is what was ever sent to it, `reversed` what of that was taken back.
    """

    currency: str
    held: int
    reserved: int
    due: int
    on_its_way: int
    transferred: int
    reversed: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's money in a period: in each pot `opening` and all entries of the period make `closing`, to the cent."""

    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    opening: list[Standing]
    closing: list[Standing]
    data: list[StatementEntry]
    next_cursor: str | None


class VendorBooksController(Controller):
    """Why this amount."""

    path = "/v1/vendor"
    tags = ["books (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/balance", responses=refuses())
    async def balance(self, read: Reading) -> Response[list[VendorBalance]]:
        """What the vendor has, by currency."""
        return await read(balances_of)

    @get("/statements", responses=refuses())
    async def statements(  # noqa: PLR0913  # every parameter of the query is one
        self,
        *,
        request: Request[Any, Any, Any],
        read: Reading,
        database: NamedDependency[Database],
        limit: Limit = LIMIT,
        cursor: Cursor = None,
        start: From = None,
        end: To = None,
    ) -> Response[Statement]:
        """The vendor's statement of a period (the last month if none is named); as rows for `Accept: text/csv`."""
        after = position_of(cursor, Position)
        if wants_csv(request):
            return await _download(database, read.actor.id, start, end)

        async def found(tx: Tx) -> Statement:
            await tx.execute(SNAPSHOT)
            return await _statement(tx, await asked_period(tx, start, end), after, limit)

        return await read(found)

    @get("/statements.csv", responses={**refuses(), **CSV})
    async def rows(self, read: Reading, database: NamedDependency[Database], start: From = None, end: To = None) -> Stream:
        """The same as rows, whole: opening, every entry, closing."""
        return await _download(database, read.actor.id, start, end)

    @get("/orders/{sub_order_id:str}/ledger", responses=refuses(404))
    async def order(self, sub_order_id: SubOrderId, read: Reading) -> Response[list[StatementEntry]]:
        """The vendor's own money of one sub-order, change by change."""

        async def found(tx: Tx) -> list[StatementEntry]:
            order_id = await orders.order_of(tx, sub_order_id, tx.actor.id)
            return await statement.of_sub_order(tx, tx.actor.id, order_id, sub_order_id)

        return await read(found)


async def balances_of(tx: Tx) -> list[VendorBalance]:
    """What the asking vendor has, by currency."""
    await tx.execute(SNAPSHOT)
    vendor, t = tx.actor.id, transfers.c
    lying = {found.currency: found for found in await statement.now_with_us(tx, vendor)}
    totals = {found.currency: found for found in await statement.totals(tx, vendor)}
    under_way = select(t.currency, func.sum(t.amount).label("amount")).where(t.vendor == vendor, t.state == TransferState.SENDING)
    going = {row.currency: int(row.amount) for row in await tx.rows(under_way.group_by(t.currency))}
    balances: list[VendorBalance] = []
    for currency in sorted({*lying, *totals, *going}):
        now, ever = lying.get(currency), totals.get(currency)
        balances.append(
            VendorBalance(
                currency=currency,
                held=now.held if now else 0,
                reserved=now.reserved if now else 0,
                due=now.due if now else 0,
                on_its_way=going.get(currency, 0),
                transferred=ever.transferred if ever else 0,
                reversed=ever.reversed if ever else 0,
            )
        )
    return balances


async def _statement(tx: Tx, period: Period, after: Position | None, limit: int) -> Statement:
    vendor = tx.actor.id
    found = await statement.entries(tx, vendor, period, after=after, limit=limit + 1)
    shown = found[:limit]
    return Statement(
        start=period.start,
        end=period.end,
        opening=await statement.standing(tx, vendor, period.start),
        closing=await statement.standing(tx, vendor, period.end),
        data=shown,
        next_cursor=cursor_of(_position(shown[-1])) if len(found) > limit else None,
    )


def _position(entry: StatementEntry) -> Position:
    return (entry.at, entry.posting, entry.side)


async def _download(database: Database, vendor: str, start: str | None, end: str | None) -> Any:
    async with database.reading() as tx:
        period = await asked_period(tx, start, end)
    name = f"statement-{vendor}-{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    return download(name, _rows(database, vendor, period))


async def _rows(database: Database, vendor: str, period: Period) -> AsyncIterator[str]:
    """Opening, entries, closing; the closing is what the rows before it add up to."""
    yield line(COLUMNS)
    async with database.reading() as tx:
        opening = await statement.standing(tx, vendor, period.start)
    have = {(standing.currency, pot): int(getattr(standing, pot)) for standing in opening for pot in Pot}
    for row in _lying("opening", period.start, have):
        yield row
    after: Position | None = None
    while True:
        async with database.reading() as tx:
            found = await statement.entries(tx, vendor, period, after=after, limit=BATCH)
        for entry in found:
            have[entry.currency, entry.pot] = have.get((entry.currency, entry.pot), 0) + entry.amount
            yield _row(entry)
        if len(found) < BATCH:
            break
        after = _position(found[-1])
    for row in _lying("closing", period.end, have):
        yield row


def _lying(word: str, at: datetime, have: dict[tuple[str, Pot], int]) -> list[str]:
    return [
        line((word, at.isoformat(), *[None] * 5, pot, Number(plain(amount, currency)), currency, amount, None))
        for (currency, pot), amount in sorted(have.items())
    ]


def _row(e: StatementEntry) -> str:
    about = ("entry", e.at.isoformat(), e.kind, e.why, e.order_id, e.sub_order_id, e.reference, e.pot)
    return line((*about, Number(plain(e.amount, e.currency)), e.currency, e.amount, e.transaction_id))
