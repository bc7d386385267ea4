"""How long an order takes from placing to being confirmed: its vendors have its stock, its payment is authorized, and they accept it."""

import asyncio

import msgspec
from sqlalchemy import text

from tests.bench.bare import at_best
from tests.bench.figures import Goal, Latency, latency, middle
from tests.bench.ground import Ground, check_laws
from tests.bench.load.bear import bear
from tests.bench.load.work import Work
from tests.bench.pace import Pace
from tests.bench.report import Found, Sheet
from tests.bench.whole import WholeHub, of_others, whole_hub

CONNECTIONS_MAX = 64
ORDERS_PER_SECOND = 100
UNHURRIED_PER_SECOND = 5
"""What the machine bears without a queue."""
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.05
_CONFIRMED = text(
    "SELECT saga_id, extract(epoch FROM at)::float AS at FROM timeline WHERE seq > :seq AND life = 'order' AND to_state = 'confirmed'"
)


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """Of orders at a steady pace, each from the moment at which it was due to be placed; `cpu_ms` an order, by process."""

    orders: int
    per_second: int
    latency: Latency
    cpu_ms: dict[str, float]

    @property
    def per_second_at_best(self) -> float:
        """So many could be confirmed if the hub's own code took nothing, and all others what they took for each."""
        return at_best(of_others(self.cpu_ms) / 1000)

    @property
    def p50_at_best(self) -> float | None:
        """Milliseconds of the one in the middle, where more come than can be confirmed so; first come, first served."""
        late = 1 / self.per_second_at_best - 1 / self.per_second
        return 1000 * late * self.orders / 2 if late > 0 else None


class Confirmations(msgspec.Struct, frozen=True, kw_only=True):
    """Rounds at either pace."""

    unhurried: list[Confirmed]
    hurried: list[Confirmed]


async def measure(ground: Ground) -> Found:
    """Of three vendors whose people ship, later than this looks: nothing is done but what leads there, and the capture right after it."""
    pace = ground.pace
    async with whole_hub(ground, capabilities=["stock", "orders"]) as hub:
        await _confirm(hub, pace, UNHURRIED_PER_SECOND)  # it is warm then
        unhurried = [await _confirm(hub, pace, UNHURRIED_PER_SECOND) for _ in range(pace.rounds)]
        hurried = [await _confirm(hub, pace, ORDERS_PER_SECOND) for _ in range(pace.rounds)]
        await check_laws(hub.database)
    return _found(Confirmations(unhurried=unhurried, hurried=hurried))


async def _confirm(hub: WholeHub, pace: Pace, per_second: int) -> Confirmed:
    given = await hub.quotes.copies(max(1, round(per_second * pace.confirm_seconds)))
    seq = await hub.newest_move()
    before = hub.cpu_seconds()
    connections = min(CONNECTIONS_MAX, per_second)  # one that is idle for seconds would be closed
    heard = await bear(Work(ports=(hub.port,), connections=connections, journey="place", given=given, per_second=per_second))
    at = await _until_confirmed(hub, seq, len(given))
    taken = [(at[order] - due) * 1000 for order, due in zip(heard.ids, heard.due_at, strict=True)]
    cpu_ms = {name: 1000 * seconds / len(given) for name, seconds in hub.cpu_since(before).items()}
    return Confirmed(orders=len(given), per_second=per_second, latency=latency(taken), cpu_ms=cpu_ms)


async def _until_confirmed(hub: WholeHub, seq: int, orders: int) -> dict[str, float]:
    """By id when each order was, in unix seconds. Raises `TimeoutError`."""
    at: dict[str, float] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(at) < orders:
            await asyncio.sleep(LOOK_SECONDS)
            async with hub.database.reading() as tx:
                at = {row.saga_id: row.at for row in await tx.rows(_CONFIRMED, {"seq": seq})}
    return at


def _row(one: Confirmed) -> list[str | float]:
    spent = [*one.cpu_ms.values(), one.per_second_at_best]
    return [f"{one.orders} orders, {one.per_second}/s", one.latency.p50_ms, one.latency.p95_ms, one.latency.p99_ms, *spent]


def _found(found: Confirmations) -> Found:
    names = [f"{name} ms" for name in found.hurried[0].cpu_ms]
    sheet = Sheet(
        title="from placing to confirmed, three vendors, at a steady pace; ms of CPU an order; orders/s if the hub's own code took nothing",
        columns=("", "p50 ms", "p95 ms", "p99 ms", *names, "at best/s"),
        rows=[_row(one) for one in (*found.unhurried, *found.hurried)],
    )
    best = [one.p50_at_best for one in found.hurried]
    goal = Goal(
        says=f"placing to confirmed at {ORDERS_PER_SECOND} orders/s: p50 in ms",
        reached=middle(found.hurried, lambda one: one.latency.p50_ms),
        target=25.0,
        at_most=True,
        at_best=None if None in best else middle(found.hurried, lambda one: one.p50_at_best or 0.0),
    )
    return Found(figures=found, sheets=[sheet], goals=[goal])
