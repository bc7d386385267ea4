"""Placing through HTTP with every duty kept: three vendors an order, 10,000 SKUs, quotes made beforehand."""

from collections.abc import Sequence

from tests.bench import placed
from tests.bench.bare import ratio_at_best, request_seconds
from tests.bench.figures import Goal
from tests.bench.ground import APIS, Ground, Trade
from tests.bench.load.work import Work
from tests.bench.market import LINES
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.rounds import COLUMNS, USAGE, Beside, Pair, Run, beside, interleave, row, run

BUYERS = (1, 8, 32, 64)
SCRIPTS = ("seq", "fn")
SPARE = 1.6
"""So many times the quotes that the last run used are made for the next."""
FIRST_PER_SECOND = 1_000


class Placing:
    """Runs of placing on one market, each from quotes of its own, each checked."""

    def __init__(self, ground: Ground, trade: Trade, *, lines: int = LINES, parts: int = 0) -> None:
        self._ground = ground
        self.trade = trade
        self._lines, self._parts = lines, parts
        self.placed = 0
        self._per_second = float(FIRST_PER_SECOND)
        self._need = 0
        self._quotes: list[tuple[str, str]] = []

    async def prepare(self, buyers: int, seconds: float) -> None:
        """Make the quotes for a run."""
        self._need = int(self._per_second * SPARE * seconds) + buyers
        if len(self._quotes) < self._need:
            self._quotes += await self.trade.quotes.copies(self._need - len(self._quotes))

    async def warm(self, buyers: int) -> None:
        """A short run: connections and plans are made, and it is known how many quotes are needed."""
        await self.prepare(buyers, self._ground.pace.seconds / 2)
        await self.run(buyers, self._ground.pace.seconds / 2)

    async def beside(self, scripts: Sequence[str], buyers: int) -> list[Pair]:
        """Rounds beside each of these scripts."""
        seconds = self._ground.pace.seconds
        return await interleave(self._ground, scripts, buyers, lambda: self.run(buyers, seconds), lambda: self.prepare(buyers, seconds))

    async def run(self, buyers: int, seconds: float) -> Run:
        """Place for so many seconds, from what was prepared. Raises `LoadFailed`, `Miscounted`."""
        before = await placed.tally(self.trade.database)
        given = self._quotes[: self._need]
        work = Work(ports=self.trade.api.ports, connections=buyers, journey="place", given=given, seconds=seconds)
        done = await run(self._ground, self.trade.api, work)
        self.placed += len(done.heard.ids)
        self._quotes = self._quotes[self._need - done.heard.left :]
        self._per_second = done.per_second if done.heard.left else done.per_second * SPARE
        await placed.check(self.trade.database, before, done.heard.ids, self._lines, self._parts)
        return done


async def measure(ground: Ground) -> Found:
    """At each number of buyers, beside as many clients of pgbench."""
    pairs = await compare(ground, BUYERS)
    figures = [beside(found, script, buyers) for buyers, found in pairs.items() for script in SCRIPTS]
    return _found(figures, ratio_at_best(pairs[32], "seq", 1, await request_seconds(ground)))


async def compare(ground: Ground, numbers: Sequence[int]) -> dict[int, list[Pair]]:
    """For each number of buyers its rounds."""
    found: dict[int, list[Pair]] = {}
    async with ground.trade("bench_placing", apis=APIS) as trade:
        placing = Placing(ground, trade)
        for buyers in numbers:
            await placing.warm(buyers)
            found[buyers] = await placing.beside(SCRIPTS, buyers)
    return found


def _found(figures: list[Beside], best: float) -> Found:
    seq = {each.clients: each for each in figures if each.limit == "seq"}
    fn = [each for each in figures if each.limit == "fn"]
    sheets = [
        Sheet(
            title="placing an order over three vendors, beside pgbench with separate statements (seq.sql)",
            columns=("buyers", *COLUMNS[1:], *USAGE),
            rows=[row(str(buyers), each) for buyers, each in seq.items()],
        ),
        Sheet(
            title="the same beside pgbench with one function call an order (fn.sql)",
            columns=("buyers", *COLUMNS[1:]),
            rows=[row(str(each.clients), each)[: len(COLUMNS)] for each in fn],
        ),
    ]
    rates = {"pgbench seq.sql": [each.limit_per_second for each in seq.values()], "pgbench fn.sql": [each.limit_per_second for each in fn]}
    picture = Bars(
        name="placing",
        title="Orders placed per second, three vendors each",
        unit="1/s",
        groups=[f"{buyers} buyers" for buyers in seq],
        series={**rates, "Wheelwright over HTTP": [each.per_second for each in seq.values()]},
    )
    return Found(figures=figures, sheets=sheets, pictures=[picture], goals=_goals(seq, best))


def _goals(seq: dict[int, Beside], best: float) -> list[Goal]:
    return [
        Goal(says="placing, 32 buyers: rate against seq.sql at 32", reached=seq[32].ratio, target=1.5, at_best=best),
        Goal(says="placing, 32 buyers: p99 against pgbench's", reached=seq[32].p99_ratio, target=1.0, at_most=True),
        Goal(says="placing, 1 buyer: p50 against pgbench's", reached=seq[1].p50_ratio, target=4.0, at_most=True),
    ]
