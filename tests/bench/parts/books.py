"""Ledger posting: what one order's capture over three vendors books, one transaction each, beside pgbench placing orders."""

import asyncio
import time
from itertools import count

import msgspec
from sqlalchemy import text

from hub.ledger import recipes, store
from hub.ledger.recipes import Share
from hub.runtime.database import Database
from tests.bench import pgbench
from tests.bench.figures import Latency, latency, middle
from tests.bench.ground import Ground
from tests.bench.pgbench import Limit
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet

CLERKS = 32
VENDORS = ("acme", "bolt", "cedar")
PAID, SHARE, COMMISSION, TAX, FEE = 1_000, 850, 120, 30, 59
_TALLY = text(
    "SELECT (SELECT count(*) FROM ledger_transactions) AS transactions, (SELECT count(*) FROM ledger_postings) AS postings,"
    " (SELECT coalesce(sum(balance), 0)::bigint FROM ledger_balances WHERE account LIKE 'held:%') AS held,"
    " (SELECT count(*) FROM ledger_balances WHERE account LIKE 'order:%' AND balance <> 0) AS left_over"
)


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """One round; an order is two transactions of the books with so many postings together."""

    limit: Limit
    orders: int
    seconds: float
    postings_per_order: int
    latency: Latency

    @property
    def per_second(self) -> float:
        """Orders."""
        return self.orders / self.seconds


class Books(msgspec.Struct, frozen=True):
    """`ratio` is of orders booked and orders placed by pgbench, the median of the rounds' own."""

    ratio: float
    rounds: list[Posted]


class WrongBooks(RuntimeError):
    """They do not hold what was posted."""


async def measure(ground: Ground) -> Found:
    """By the hub's own code in this process, over as many connections as pgbench has clients."""
    database = Database(await ground.fresh("bench_books"), pool_size=CLERKS)
    numbers = count()
    try:
        await _post(database, numbers, ground.pace.seconds / 2)
        rounds = [await _round(ground, database, numbers) for _ in range(ground.pace.rounds)]
        await _check(database, next(numbers))
    finally:
        await database.close()
    return _found(Books(middle(rounds, lambda one: one.per_second / one.limit.per_second), rounds))


async def _round(ground: Ground, database: Database, numbers: "count[int]") -> Posted:
    limit = await pgbench.measure(await ground.limit(), "seq", CLERKS, ground.pace.limit_seconds)
    begun = time.perf_counter()
    taken = await _post(database, numbers, ground.pace.seconds)
    seconds = time.perf_counter() - begun
    postings = sum(len(moves) for _, moves in _moves("ord_0"))
    return Posted(limit=limit, orders=len(taken), seconds=seconds, postings_per_order=postings, latency=latency(taken))


async def _post(database: Database, numbers: "count[int]", seconds: float) -> list[float]:
    """How many milliseconds each took."""
    taken: list[float] = []
    until = time.perf_counter() + seconds

    async def clerk() -> None:
        while (begun := time.perf_counter()) < until:
            order = f"ord_{next(numbers):026d}"
            async with database.tx() as tx:
                for kind, moves in _moves(order):
                    await store.post(tx, kind, cause=order, moves=moves, order_id=order)
            taken.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(clerk() for _ in range(CLERKS)))
    return taken


def _moves(order: str) -> list[tuple[str, list[recipes.Posting]]]:
    shares = [
        Share(vendor=vendor, sub_order_id=f"{order}-{vendor}", paid=PAID, discount=0, share=SHARE, commission=COMMISSION, tax=TAX)
        for vendor in VENDORS
    ]
    return [
        ("capture", recipes.capture("stripe", order, PAID * len(VENDORS), FEE, "EUR")),
        ("allocate", recipes.allocate(order, shares, "EUR")),
    ]


async def _check(database: Database, orders: int) -> None:
    """Raises `WrongBooks`."""
    async with database.reading() as tx:
        row = await tx.row(_TALLY)
    found = None if row is None else tuple(row)
    postings = sum(len(moves) for _, moves in _moves("ord_0"))
    if found != (should := (2 * orders, postings * orders, SHARE * len(VENDORS) * orders, 0)):
        raise WrongBooks(f"transactions, postings, held, orders with money left: {found}, not {should}")


def _row(one: Posted) -> list[str | float]:
    limit, rate = one.limit.per_second, one.per_second
    return [str(one.orders), rate, rate * one.postings_per_order, one.latency.p50_ms, one.latency.p99_ms, limit, rate / limit]


def _found(books: Books) -> Found:
    sheet = Sheet(
        title=f"booking captures of orders over {len(VENDORS)} vendors, beside pgbench placing orders (seq.sql), {CLERKS} at once",
        columns=("orders", "orders/s", "postings/s", "p50 ms", "p99 ms", "pgbench/s", "ratio"),
        rows=[_row(one) for one in books.rounds],
    )
    picture = Bars(
        name="books",
        title="Orders per second: placed by pgbench, booked by the hub",
        unit="1/s",
        groups=[f"round {number}" for number in range(1, len(books.rounds) + 1)],
        series={
            "pgbench seq.sql": [one.limit.per_second for one in books.rounds],
            "captures booked": [one.per_second for one in books.rounds],
        },
    )
    return Found(figures=books, sheets=[sheet], pictures=[picture])
