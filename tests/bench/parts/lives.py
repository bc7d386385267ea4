"""Whole lives, from placing to the vendors' money, on all of the hub's processes; and how long an order takes to be confirmed."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import make_url, text

from hub.embedded.folder import Folder, Running, write_private
from hub.embedded.nkey import new_seed, public_of
from hub.embedded.start import discard
from hub.replay.files import Shop
from hub.replay.hub import hub_for
from hub.replay.kills import find_child
from hub.replay.open_shops import Presence
from hub.runtime.database import Database
from hub.settings import load_settings
from hub.wiring import wire
from tests.bench import pgbench
from tests.bench.bare import at_best
from tests.bench.figures import Goal, Latency, latency, middle
from tests.bench.ground import Ground, check_laws, open_limit
from tests.bench.load.bear import bear
from tests.bench.load.work import Work
from tests.bench.market import LINES, Market, Quotes, open_market
from tests.bench.pace import Pace
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.usage import cpu_seconds, resident_mib

VENDORS = 3
BUYERS = 32
ORDERS_PER_SECOND = 100
UNHURRIED_PER_SECOND = 5
"""What the machine bears without a queue."""
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.2
PARTS = {"API": "api", "worker": "worker", "spokes": "spokes", "sandbox": "sandbox", "broker": "nats-server", "PostgreSQL": "postgres"}
"""The hub's processes, and the word by which each is known among the supervisor's children."""
OURS = ("API", "worker")
"""Those that run the hub's own code."""
_SEQ = text("SELECT coalesce(max(seq), 0) FROM timeline")
_OPEN = text(
    "SELECT (SELECT count(*) FROM orders WHERE state <> 'completed') + (SELECT count(*) FROM transfers WHERE state <> 'transferred')"
    " + (SELECT count(*) FROM steps WHERE state = 'open')"
)
_LIVED = text(
    "SELECT count(*) AS moves, extract(epoch FROM max(at) - min(at))::float AS seconds, count(DISTINCT saga_id) AS lives"
    " FROM timeline WHERE seq > :seq"
)
_CONFIRMED = text(
    "SELECT saga_id, extract(epoch FROM at)::float AS at FROM timeline WHERE seq > :seq AND life = 'order' AND to_state = 'confirmed'"
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
        return at_best(sum(cores for name, cores in self.cores.items() if name not in OURS) / self.per_second)


class Confirmed(msgspec.Struct, frozen=True):
    """From the moment at which an order was due to be placed to its being confirmed, at a steady pace."""

    orders: int
    per_second: float
    latency: Latency


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the rounds; `ratio` is of each round's own transitions and pgbench's transactions."""

    ratio: float
    moves_per_second: float
    lives_per_second: float
    rounds: list[Lived]
    confirmed: list[Confirmed]
    unhurried: list[Confirmed]


async def measure(ground: Ground) -> Found:
    """On a hub of its own, started as `hub run` starts one."""
    folder = Folder(ground.folder / "hub")
    with hub_for(folder.root) as (running, _):
        lives = await _on(running, folder, ground.pace)
    discard(folder)
    return _found(lives)


async def _on(running: Running, folder: Folder, pace: Pace) -> Lives:
    url = running.environment["WHEELWRIGHT__DATABASE__URL"]
    limit = await open_limit(make_url(url).set(database="postgres").render_as_string(hide_password=False))
    database = Database(url, pool_size=4)
    try:
        hub = Hub(running, database, await _open(running, folder, database, pace))
        first = await hub.live(limit, pace, pace.lives)
        orders = max(pace.lives, round(first.orders / first.seconds * pace.lives_seconds))
        rounds = [await hub.live(limit, pace, orders) for _ in range(pace.rounds)]
        unhurried = [await hub.confirm(pace, UNHURRIED_PER_SECOND) for _ in range(pace.rounds)]
        confirmed = [await hub.confirm(pace, ORDERS_PER_SECOND) for _ in range(pace.rounds)]
        await check_laws(database, settled=True)
    finally:
        await database.close()
    return Lives(
        ratio=middle(rounds, lambda one: one.per_second / one.limit_per_second),
        moves_per_second=middle(rounds, lambda one: one.per_second),
        lives_per_second=middle(rounds, lambda one: one.orders / one.seconds),
        rounds=rounds,
        confirmed=confirmed,
        unhurried=unhurried,
    )


class Hub:
    """Orders that live through all of it."""

    def __init__(self, running: Running, database: Database, market: Market) -> None:
        self._port = int(running.url.rpartition(":")[2])
        self._database = database
        self._quotes = Quotes(database, market)
        self._orders = 0
        self._pids = {name: pid for name, word in PARTS.items() if (pid := find_child(running.pid, word)) is not None}

    async def live(self, limit: str, pace: Pace, orders: int) -> Lived:
        """pgbench, then so many orders as fast as they can be placed, until their vendors have their money."""
        beside = await pgbench.measure(limit, "seq", BUYERS, pace.limit_seconds)
        given = await self._quotes.copies(orders)
        async with self._database.reading() as tx:
            seq = await tx.scalar(_SEQ)
        before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        await bear(Work(ports=(self._port,), connections=BUYERS, journey="place", given=given))
        await self._until_ended(orders)
        async with self._database.reading() as tx:
            row = await tx.row(_LIVED, {"seq": seq})
        assert row is not None, "an aggregate has a row"
        return Lived(
            limit_per_second=beside.per_second,
            orders=orders,
            moves=row.moves,
            seconds=row.seconds,
            cores={name: (cpu_seconds(pid) - before[name]) / row.seconds for name, pid in self._pids.items()},
            resident_mib={name: resident_mib(pid) for name, pid in self._pids.items()},
        )

    async def confirm(self, pace: Pace, per_second: int) -> Confirmed:
        """Orders at a steady pace, whatever becomes of those before."""
        given = await self._quotes.copies(max(1, round(per_second * pace.confirm_seconds)))
        async with self._database.reading() as tx:
            seq = await tx.scalar(_SEQ)
        connections = min(BUYERS * 2, per_second)  # one that is idle for seconds would be closed
        work = Work(ports=(self._port,), connections=connections, journey="place", given=given, per_second=per_second)
        heard = await bear(work)
        await self._until_ended(len(given))
        async with self._database.reading() as tx:
            at = {row.saga_id: row.at for row in await tx.rows(_CONFIRMED, {"seq": seq})}
        taken = [(at[order] - due) * 1000 for order, due in zip(heard.ids, heard.due_at, strict=True)]
        return Confirmed(len(taken), len(taken) / heard.seconds, latency(taken))

    async def _until_ended(self, more: int) -> None:
        """Every order completed, nothing left to do, and a transfer for each of its parts. Raises `NotEnded`."""
        self._orders += more
        open_, transferred = 1, 0
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while open_ or transferred < self._orders * LINES:
                    await asyncio.sleep(LOOK_SECONDS)
                    async with self._database.reading() as tx:
                        open_, transferred = await tx.scalar(_OPEN), await tx.scalar(_TRANSFERRED)
        except TimeoutError:
            raise NotEnded(f"of {self._orders} orders with {LINES} parts {transferred} transfers; open: {open_}") from None
        if transferred != self._orders * LINES:
            raise NotEnded(f"{transferred} transfers for {self._orders} orders with {LINES} parts")


async def _open(running: Running, folder: Folder, database: Database, pace: Pace) -> Market:
    """Three vendors with dummy spokes that ship and deliver at once; their money is not held."""

    def terms(code: str) -> dict[str, Any]:
        return {
            "nkey_public": _new_key(folder.spoke_seeds, code),
            "capabilities": ["stock", "orders", "shipping"],
            "hold_seconds": 0,
            "embedded_spoke": "dummy",
            "spoke_config": {"ship_after": 0.0, "deliver_after": 0.0},
        }

    wiring = wire(load_settings(environ=running.environment), "bench")
    await wiring.bus.start()
    try:
        await wiring.bus.connected(15.0)
        presence = Presence(wiring.bus)
        await presence.begin()
        port = int(running.url.rpartition(":")[2])
        market = await open_market(database, port, vendors=VENDORS, skus=min(pace.skus, 900), terms=terms)
        await presence.all_up([_Vendor(code) for code in market.vendors], lambda _: None)
        await Quotes(database, market).make(port, market.wanted(0, len(market.offers[0])))
    finally:
        await wiring.close()
    return market


class _Vendor(Shop, frozen=True):
    """A vendor of ours as one of the replay's."""

    city: str = ""
    state: str = ""

    @property
    def code(self) -> str:
        """As it was admitted."""
        return self.id


def _new_key(seeds: Path, code: str) -> str:
    """The public half of a new key, whose seed is laid where the spoke will look for it."""
    seed = new_seed()
    write_private(seeds / f"{code}.nk", seed.encode())
    return public_of(seed)


def _row(one: Lived) -> list[str | float]:
    rates = [one.orders / one.seconds, one.per_second, one.limit_per_second, one.per_second / one.limit_per_second]
    return [str(one.orders), one.seconds, *rates, *one.cores.values()]


def _found(lives: Lives) -> Found:
    confirmed = [
        [f"{one.orders} orders, {one.per_second:.0f}/s", one.latency.p50_ms, one.latency.p95_ms, one.latency.p99_ms]
        for one in (*lives.unhurried, *lives.confirmed)
    ]
    names = list(lives.rounds[0].cores)
    sheets = [
        Sheet(
            title=f"whole lives, three vendors, as fast as {BUYERS} buyers place, beside seq.sql at {BUYERS} clients; processes in cores",
            columns=("orders", "seconds", "lives/s", "moves/s", "pgbench/s", "ratio", *names),
            rows=[_row(one) for one in lives.rounds],
            notes=["resident MiB: " + ", ".join(f"{name} {mib:.0f}" for name, mib in lives.rounds[-1].resident_mib.items())],
        ),
        Sheet(title="from placing to confirmed, at a steady pace", columns=("", "p50 ms", "p95 ms", "p99 ms"), rows=confirmed),
    ]
    rounds = [f"round {number}" for number in range(1, len(lives.rounds) + 1)]
    series = {
        "pgbench seq.sql, transactions": [one.limit_per_second for one in lives.rounds],
        "Wheelwright, state transitions": [one.per_second for one in lives.rounds],
    }
    picture = Bars(name="lives", title="Whole lives: state transitions per second", unit="1/s", groups=rounds, series=series)
    p50 = middle(lives.confirmed, lambda one: one.latency.p50_ms)
    best = middle(lives.rounds, lambda one: one.per_second_at_best / one.limit_per_second)
    goals = [
        Goal(says="whole lives: state transitions against seq.sql at 32", reached=lives.ratio, target=1.0, at_best=best),
        Goal(
            says=f"placing to confirmed at {ORDERS_PER_SECOND} orders/s: p50 in ms",
            reached=p50,
            target=25.0,
            at_most=True,
        ),
    ]
    return Found(figures=lives, sheets=sheets, pictures=[picture], goals=goals)
