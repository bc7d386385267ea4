"""A buyer's whole way: a cart with three lines, an address, a quote, a way to ship from each vendor, pay, placed."""

from tests.bench import placed
from tests.bench.bare import ratio_at_best, request_seconds
from tests.bench.figures import Goal
from tests.bench.ground import Ground, Trade
from tests.bench.load.work import Work
from tests.bench.market import LINES
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.rounds import COLUMNS, USAGE, Beside, Pair, Run, beside, interleave, row, run

BUYERS = (8, 32)
REQUESTS = 3
MOST_PER_SECOND = 3_000
"""More ways than anybody goes: the run ends by time."""


async def measure(ground: Ground) -> Found:
    """At each number of buyers, beside as many clients of pgbench."""
    rounds: dict[int, list[Pair]] = {}
    async with ground.trade("bench_way") as trade:
        ways = Ways(ground, trade)
        await ways.run(8, ground.pace.seconds / 2)
        for buyers in BUYERS:

            async def ours(buyers: int = buyers) -> Run:
                return await ways.run(buyers, ground.pace.seconds)

            rounds[buyers] = await interleave(ground, ("seq",), buyers, ours)
    bare = await request_seconds(ground)
    figures = [beside(pairs, "seq", buyers) for buyers, pairs in rounds.items()]
    return _found(figures, [ratio_at_best(pairs, "seq", REQUESTS, bare) for pairs in rounds.values()])


class Ways:
    """Runs of whole ways, each checked."""

    def __init__(self, ground: Ground, trade: Trade) -> None:
        self._ground = ground
        self._trade = trade
        self._next = 0

    async def run(self, buyers: int, seconds: float) -> Run:
        """Raises `LoadFailed`, `Miscounted`."""
        given = self._trade.market.wanted(self._next, int(MOST_PER_SECOND * seconds))
        before = await placed.tally(self._trade.database)
        work = Work(ports=self._trade.api.ports, connections=buyers, journey="buy", given=given, seconds=seconds)
        done = await run(self._ground, self._trade.api, work)
        self._next += len(done.heard.ids)
        await placed.check(self._trade.database, before, done.heard.ids, LINES)
        return done


def _found(figures: list[Beside], best: list[float]) -> Found:
    sheet = Sheet(
        title="a buyer's whole way in three requests, beside pgbench placing an order (seq.sql)",
        columns=("buyers", *COLUMNS[1:], *USAGE),
        rows=[row(str(each.clients), each) for each in figures],
    )
    picture = Bars(
        name="way",
        title="Whole ways per second: cart, quote, order",
        unit="1/s",
        groups=[f"{each.clients} buyers" for each in figures],
        series={"pgbench seq.sql": [each.limit_per_second for each in figures], "Wheelwright": [each.per_second for each in figures]},
    )
    goals = [
        Goal(
            says=f"whole way, {each.clients} buyers: rate against seq.sql",
            reached=each.ratio,
            target=0.15,
            at_best=own,
        )
        for each, own in zip(figures, best, strict=True)
    ]
    goals.append(Goal(says="whole way, 8 buyers: p50 in ms", reached=figures[0].p50_ms, target=20.0, at_most=True))
    return Found(figures=figures, sheets=[sheet], pictures=[picture], goals=goals)
