"""The books over HTTP, for operators: accounts, postings, transactions, now and at any past moment, as JSON and as rows."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream
from sqlalchemy import func, select

from hub.kernel.money import plain
from hub.ledger import browse, store
from hub.ledger.browse import AccountPosting, Transaction, Wanted
from hub.ledger.store import Balance
from hub.runtime.callers import OPERATORS
from hub.runtime.csv_text import CSV, Number, download, line, wants_csv
from hub.runtime.database import Database, Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.moments import At, From, Period, To, moment_of, period_of
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

NAME_LENGTH_MAX = 200
LONGEST = timedelta(days=366)
DEFAULT = timedelta(days=31)

Account = Annotated[str, PathParameter(max_length=NAME_LENGTH_MAX, description="for example `held:acme:sub_…`, `commission`")]
Prefix = Annotated[
    str, QueryParameter(name="prefix", max_length=NAME_LENGTH_MAX, description="whole words: `held`, `held:acme`; all if left out")
]
TransactionId = Annotated[str, PathParameter(max_length=64)]
Kind = Annotated[str | None, QueryParameter(name="kind", max_length=64, description="`capture`, `allocate`, `transfer`, …")]
OfOrder = Annotated[str | None, QueryParameter(name="order_id", max_length=64)]
OfVendor = Annotated[str | None, QueryParameter(name="vendor", max_length=64)]
Reference = Annotated[str | None, QueryParameter(name="reference", max_length=255, description="the provider's id: `tr_…`, `re_…`")]

COLUMNS = (
    *("transaction", "at", "kind", "order", "vendor", "reference", "cause"),
    *("source", "destination", "amount", "currency", "amount_minor"),
)


class AccountBalances(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds of each currency it ever had; with `at` just before that moment."""

    account: str
    at: datetime | None
    balances: list[Balance]


async def asked_period(tx: Tx, start: str | None, end: str | None) -> Period:
    """The period of a query, by the database's clock: the last month if none is named."""
    return period_of(start, end, now=await tx.scalar(select(func.now())), default=DEFAULT, longest=LONGEST)


class LedgerController(Controller):
    """Where all money is, and how it came there."""

    path = "/v1/admin/ledger"
    tags = ["books"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/accounts", responses=refuses())
    async def accounts(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, prefix: Prefix = "", at: At = None
    ) -> Response[Page[Balance]]:
        """Accounts that are not at zero, by name."""
        after, moment = position_of(cursor, tuple[str, str]), moment_of(at, "at")

        async def found(tx: Tx) -> Page[Balance]:
            balances = await store.balances(tx, prefix, moment, after=after, limit=limit + 1)
            return page(balances, limit, lambda balance: (balance.account, balance.currency))

        return await read(found)

    @get("/accounts/{account:str}", responses=refuses(404))
    async def account(self, account: Account, read: Reading, at: At = None) -> Response[AccountBalances]:
        """What one account holds, now or at a past moment."""
        moment = moment_of(at, "at")

        async def found(tx: Tx) -> AccountBalances:
            return AccountBalances(account=account, at=moment, balances=await browse.account(tx, account, moment))

        return await read(found)

    @get("/accounts/{account:str}/postings", responses=refuses(404))
    async def postings(
        self, account: Account, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[AccountPosting]]:
        """An account's postings, newest first."""
        before = position_of(cursor, int)

        async def found(tx: Tx) -> Page[AccountPosting]:
            await browse.must_exist(tx, account)
            return page(await browse.postings_of(tx, account, before=before, limit=limit + 1), limit, lambda posting: posting.id)

        return await read(found)

    @get("/transactions/{transaction_id:str}", responses=refuses(404))
    async def transaction(self, transaction_id: TransactionId, read: Reading) -> Response[Transaction]:
        """What was booked at once."""

        async def found(tx: Tx) -> Transaction:
            return await browse.transaction(tx, transaction_id)

        return await read(found)

    @get("/transactions", responses=refuses())
    async def transactions(  # noqa: PLR0913  # every parameter of the query is one
        self,
        *,
        request: Request[Any, Any, Any],
        read: Reading,
        database: NamedDependency[Database],
        limit: Limit = LIMIT,
        cursor: Cursor = None,
        start: From = None,
        end: To = None,
        kind: Kind = None,
        vendor: OfVendor = None,
        order_id: OfOrder = None,
        reference: Reference = None,
    ) -> Response[Page[Transaction]]:
        """The transactions of a period (the last month if none is named), oldest first; all of them as rows for `Accept: text/csv`."""
        after = position_of(cursor, tuple[datetime, str])
        wanted = Wanted(kind=kind, vendor=vendor, order_id=order_id, reference=reference)
        async with database.reading() as tx:
            wanted = msgspec.structs.replace(wanted, period=await asked_period(tx, start, end))
        if wants_csv(request):
            return download("transactions", _rows(database, wanted))

        async def found(tx: Tx) -> Page[Transaction]:
            rows = await browse.find(tx, wanted, after=after, limit=limit + 1)
            return page(rows, limit, lambda transaction: (transaction.at, transaction.id))

        return await read(found)

    @get("/transactions.csv", responses={**refuses(), **CSV})
    async def rows(
        self, database: NamedDependency[Database], start: From = None, end: To = None, kind: Kind = None, vendor: OfVendor = None
    ) -> Stream:
        """The same as rows, one per posting, all of them."""
        async with database.reading() as tx:
            wanted = Wanted(period=await asked_period(tx, start, end), kind=kind, vendor=vendor)
        return download("transactions", _rows(database, wanted))


async def _rows(database: Database, wanted: Wanted) -> AsyncIterator[str]:
    yield line(COLUMNS)
    async for t in browse.export(database, wanted):
        about = (t.id, t.at.isoformat(), t.kind, t.order_id, t.vendor, t.reference, t.cause)
        for p in t.postings:
            yield line((*about, p.source, p.destination, Number(plain(p.amount, p.currency)), p.currency, p.amount))
