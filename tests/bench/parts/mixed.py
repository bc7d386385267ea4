"""A marketplace's usual day: of a hundred visits ninety browse, seven gather a cart, three order."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.bench import placed
from tests.bench.figures import Latency, latency
from tests.bench.ground import APIS, Ground, Trade
from tests.bench.load.work import Work
from tests.bench.market import LINES
from tests.bench.parts.reads import DATABASE, products, searches, titles_of
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.rounds import COLUMNS, USAGE, Beside, Pair, Run, beside, interleave, row, run

VISITORS = 32
CARTS, ORDERS = 7, 3
"""Of a hundred; the others browse, two of three a product, the third searches."""
MOST_PER_SECOND = 10_000
"""More visits than there are: a run ends by time."""
KINDS = {"look": "browse", "cart": "open a cart", "line": "put a line", "place": "order"}


class Mixed(msgspec.Struct, frozen=True):
    """`beside` compares visits with orders of pgbench; `kinds` are latencies of each kind of request over all rounds."""

    beside: Beside
    kinds: dict[str, Latency]


async def measure(ground: Ground) -> Found:
    """Beside as many clients of pgbench."""
    async with ground.trade(DATABASE, offers=ground.pace.offers, apis=APIS) as trade:
        visits = Visits(ground, trade, await titles_of(trade, ground.pace.offers))
        seconds = ground.pace.seconds
        await visits.prepare(seconds)
        await visits.run(seconds)
        pairs = await interleave(ground, ("seq",), VISITORS, lambda: visits.run(seconds), lambda: visits.prepare(seconds))
    return _found(Mixed(beside(pairs, "seq", VISITORS), _kinds(pairs)))


class Visits:
    """Runs of visits, their orders checked."""

    def __init__(self, ground: Ground, trade: Trade, titles: list[str]) -> None:
        self._ground = ground
        self._trade = trade
        self._draw = random.Random(4)
        self._products = products(ground.pace.offers)
        self._searches = searches(titles, 2)
        self._given: list[tuple[str, Any]] = []

    async def prepare(self, seconds: float) -> None:
        """Decide what each visitor wants, and make the quotes of those who order."""
        count = int(MOST_PER_SECOND * seconds)
        kinds = self._draw.choices(["browse", "cart", "order"], [100 - CARTS - ORDERS, CARTS, ORDERS], k=count)
        quotes = iter(await self._trade.quotes.copies(kinds.count("order")))
        self._given = [self._visit(kind, number, quotes) for number, kind in enumerate(kinds)]

    async def run(self, seconds: float) -> Run:
        """As prepared. Raises `LoadFailed`, `Miscounted`."""
        before = await placed.tally(self._trade.database)
        work = Work(ports=self._trade.api.ports, connections=VISITORS, journey="mix", given=self._given, seconds=seconds)
        done = await run(self._ground, self._trade.api, work)
        orders = [made for made in done.heard.ids if made.startswith("ord_")]
        await placed.check(self._trade.database, before, orders, LINES)
        return done

    def _visit(self, kind: str, number: int, quotes: Iterator[tuple[str, str]]) -> tuple[str, Any]:
        market = self._trade.market
        if kind == "order":
            return "place", next(quotes)
        if kind == "cart":
            return "cart", (market.key(number), market.lines(number), market.offers[0][number % len(market.offers[0])])
        paths = self._searches if number % 3 == 0 else self._products
        return "look", paths[number % len(paths)]


def _kinds(pairs: list[Pair]) -> dict[str, Latency]:
    found: dict[str, list[float]] = {}
    for pair in pairs:
        for kind, taken in pair.run.heard.calls_ms.items():
            found.setdefault(KINDS[kind], []).extend(taken)
    return {kind: latency(taken) for kind, taken in found.items()}


def _found(mixed: Mixed) -> Found:
    sheets = [
        Sheet(
            title=f"visits, of which {CARTS} % gather a cart and {ORDERS} % order; beside pgbench placing orders (seq.sql)",
            columns=("visitors", *COLUMNS[1:], *USAGE),
            rows=[row(str(VISITORS), mixed.beside)],
        ),
        Sheet(
            title="how long each of their requests takes, all rounds together",
            columns=("", "p50 ms", "p95 ms", "p99 ms"),
            rows=[[kind, one.p50_ms, one.p95_ms, one.p99_ms] for kind, one in mixed.kinds.items()],
        ),
    ]
    picture = Bars(
        name="mixed",
        title=f"Mixed visits, {VISITORS} at once: how long each request takes",
        unit="ms",
        groups=list(mixed.kinds),
        series={
            "p50": [one.p50_ms for one in mixed.kinds.values()],
            "p95": [one.p95_ms for one in mixed.kinds.values()],
            "p99": [one.p99_ms for one in mixed.kinds.values()],
        },
    )
    return Found(figures=mixed, sheets=sheets, pictures=[picture])
