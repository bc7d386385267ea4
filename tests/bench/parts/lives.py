"""Whole lives, from placing to the vendors' money, on all of the hub's processes."""

import asyncio

import msgspec
from sqlalchemy import text

from tests.bench import pgbench
from tests.bench.bare import at_best
from tests.bench.figures import Goal, middle
from tests.bench.ground import Ground, check_laws
from tests.bench.load.bear import bear
from tests.bench.load.work import Work
from tests.bench.market import LINES
from tests.bench.pace import Pace
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.whole import WholeHub, of_others, whole_hub

BUYERS = 32
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.2
_OPEN = text(
    "SELECT (SELECT count(*) FROM orders WHERE state <> 'completed') + (SELECT count(*) FROM transfers WHERE state <> 'transferred')"
    " + (SELECT count(*) FROM steps WHERE state = 'open')"
)
_LIVED = text(
    "SELECT count(*) AS moves, extract(epoch FROM max(at) - min(at))::float AS seconds, count(DISTINCT saga_id) AS lives"
    " FROM timeline WHERE seq > :seq"
)
_TRANSFERRED = text("SELECT count(*) FROM transfers WHERE state = 'transferred'")


class NotEnded(RuntimeError):
    """Orders that stand still, or that ended otherwise than they should have."""


class Lived(msgspec.Struct, frozen=True, kw_only=True):
    """One round: `orders` whole lives in `seconds`, first move to last; `cores` and `resident_mib` by process."""

    limit_per_second: float
    orders: int
    moves: int
    seconds: float
    cores: dict[str, float]
    resident_mib: dict[str, float]

    @property
    def per_second(self) -> float:
        """State transitions."""
        return self.moves / self.seconds

    @property
    def per_second_at_best(self) -> float:
        """If the hub's own code took nothing, and all others what they took for each; the load generator is not counted."""
        return at_best(of_others(self.cores) / self.per_second)


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the rounds; `ratio` is of each round's own transitions and pgbench's transactions."""

    ratio: float
    moves_per_second: float
    lives_per_second: float
    rounds: list[Lived]


async def measure(ground: Ground) -> Found:
    """Of three vendors that ship and deliver at once."""
    async with whole_hub(ground, capabilities=["stock", "orders", "shipping"]) as hub:
        first = await _live(hub, ground.pace, ground.pace.lives, 0)
        orders = max(ground.pace.lives, round(first.orders / first.seconds * ground.pace.lives_seconds))
        rounds = [await _live(hub, ground.pace, orders, first.orders + number * orders) for number in range(ground.pace.rounds)]
        await check_laws(hub.database, settled=True)
    return _found(
        Lives(
            ratio=middle(rounds, lambda one: one.per_second / one.limit_per_second),
            moves_per_second=middle(rounds, lambda one: one.per_second),
            lives_per_second=middle(rounds, lambda one: one.orders / one.seconds),
            rounds=rounds,
        )
    )


async def _live(hub: WholeHub, pace: Pace, orders: int, before_them: int) -> Lived:
    """pgbench, then so many orders as fast as they can be placed, until their vendors have their money."""
    beside = await pgbench.measure(hub.limit, "seq", BUYERS, pace.limit_seconds)
    given = await hub.quotes.copies(orders)
    seq = await hub.newest_move()
    before = hub.cpu_seconds()
    await bear(Work(ports=(hub.port,), connections=BUYERS, journey="place", given=given))
    await _until_ended(hub, before_them + orders)
    async with hub.database.reading() as tx:
        row = await tx.row(_LIVED, {"seq": seq})
    assert row is not None, "an aggregate has a row"
    return Lived(
        limit_per_second=beside.per_second,
        orders=orders,
        moves=row.moves,
        seconds=row.seconds,
        cores={name: seconds / row.seconds for name, seconds in hub.cpu_since(before).items()},
        resident_mib=hub.resident_mib(),
    )


async def _until_ended(hub: WholeHub, orders: int) -> None:
    """Every order completed, nothing left to do, and a transfer for each of its parts. Raises `NotEnded`."""
    open_, transferred = 1, 0
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while open_ or transferred < orders * LINES:
                await asyncio.sleep(LOOK_SECONDS)
                async with hub.database.reading() as tx:
                    open_, transferred = await tx.scalar(_OPEN), await tx.scalar(_TRANSFERRED)
    except TimeoutError:
        raise NotEnded(f"of {orders} orders with {LINES} parts {transferred} transfers; open: {open_}") from None
    if transferred != orders * LINES:
        raise NotEnded(f"{transferred} transfers for {orders} orders with {LINES} parts")


def _row(one: Lived) -> list[str | float]:
    rates = [one.orders / one.seconds, one.per_second, one.limit_per_second, one.per_second / one.limit_per_second]
    return [str(one.orders), one.seconds, *rates, *one.cores.values()]


def _found(lives: Lives) -> Found:
    names = list(lives.rounds[0].cores)
    sheet = Sheet(
        title=f"whole lives, three vendors, as fast as {BUYERS} buyers place, beside seq.sql at {BUYERS} clients; processes in cores",
        columns=("orders", "seconds", "lives/s", "moves/s", "pgbench/s", "ratio", *names),
        rows=[_row(one) for one in lives.rounds],
        notes=["resident MiB: " + ", ".join(f"{name} {mib:.0f}" for name, mib in lives.rounds[-1].resident_mib.items())],
    )
    rounds = [f"round {number}" for number in range(1, len(lives.rounds) + 1)]
    series = {
        "pgbench seq.sql, transactions": [one.limit_per_second for one in lives.rounds],
        "Wheelwright, state transitions": [one.per_second for one in lives.rounds],
    }
    picture = Bars(name="lives", title="Whole lives: state transitions per second", unit="1/s", groups=rounds, series=series)
    best = middle(lives.rounds, lambda one: one.per_second_at_best / one.limit_per_second)
    goal = Goal(says="whole lives: state transitions against seq.sql at 32", reached=lives.ratio, target=1.0, at_best=best)
    return Found(figures=lives, sheets=[sheet], pictures=[picture], goals=[goal])
