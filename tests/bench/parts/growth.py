"""What placing costs as the marketplace grows: more orders there are, more vendors, more lines in an order; and the API's memory."""

import contextlib

import msgspec

from tests.bench import copies, pgbench
from tests.bench.figures import Goal, middle
from tests.bench.ground import Ground, Trade, check_laws
from tests.bench.load.bear import bear
from tests.bench.load.work import Work
from tests.bench.market import LINES, Quotes, open_market
from tests.bench.parts.placing import Placing
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.rounds import COLUMNS, USAGE, Beside, Pair, beside, row

BUYERS = 32
SKUS_OF_VENDOR = 10
DIFFERENT = 1_000
"""Quotes over HTTP in a market of many vendors; the others are copies."""
PAYLOADS = (3, 30, 99)
PAYLOAD_BUYERS, PAYLOAD_QUOTES = 8, 16
FALL, RSS_MIB = 0.1, 250.0


class Grown(msgspec.Struct, frozen=True):
    """At one size."""

    size: int
    beside: Beside


class Sizes(msgspec.Struct, frozen=True):
    """Several, each with its turn in every round; `fall` is how much slower the last is than the first, in the same minute."""

    sizes: list[Grown]
    fall: float
    resident_mib: list[float]
    """Of the API process of the last size, after each round."""
    placed: int
    """By that process."""


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """By how many `orders` there are already, how many `vendors`, how many `lines` an order has."""

    orders: Sizes
    vendors: Sizes
    lines: Sizes


async def measure(ground: Ground) -> Found:
    """Every size has an API process on a database of its own; all of one kind are measured in turn, beside pgbench."""
    return _found(Growth(vendors=await _vendors(ground), lines=await _lines(ground), orders=await _orders(ground)))


async def _orders(ground: Ground) -> Sizes:
    async with contextlib.AsyncExitStack() as stack:
        placings: dict[int, Placing] = {}
        for size in ground.pace.orders:
            name = f"bench_orders_{size}"
            trade = await stack.enter_async_context(ground.trade(name))
            model = await bear(Work(ports=trade.api.ports, connections=1, journey="buy", given=trade.market.wanted(0, 1)))
            await copies.multiply(ground.server.url_of(name), model.ids[0], size)
            placings[size] = Placing(ground, trade)
        return await _in_turn(ground, placings, BUYERS)


async def _vendors(ground: Ground) -> Sizes:
    async with contextlib.AsyncExitStack() as stack:
        placings: dict[int, Placing] = {}
        for count in ground.pace.vendors:
            name = f"bench_vendors_{count}"
            await ground.fresh(name)
            api, database = await stack.enter_async_context(ground.opened(name))
            market = await open_market(database, api.ports[0], vendors=count, skus=count * SKUS_OF_VENDOR)
            trade = Trade(api, database, market, Quotes(database, market))
            await trade.quotes.make(api.ports[0], market.wanted(0, min(DIFFERENT, count * SKUS_OF_VENDOR)))
            await ground.vacuum(name)
            placings[count] = Placing(ground, trade)
        found = await _in_turn(ground, placings, BUYERS)
        for placing in placings.values():
            await check_laws(placing.trade.database)
        return found


async def _lines(ground: Ground) -> Sizes:
    async with ground.trade("bench_lines") as trade:
        placings: dict[int, Placing] = {}
        offers = trade.market.offers
        for count in PAYLOADS:
            quotes = Quotes(trade.database, trade.market, batch=f"{count} lines")
            lines = {offers[n % len(offers)][n // len(offers)]: 1 for n in range(count)}
            await quotes.make(trade.api.ports[0], [(trade.market.key(n), lines) for n in range(PAYLOAD_QUOTES)])
            own = msgspec.structs.replace(trade, quotes=quotes)
            placings[count] = Placing(ground, own, lines=count, parts=LINES)
        return await _in_turn(ground, placings, PAYLOAD_BUYERS)


async def _in_turn(ground: Ground, placings: dict[int, Placing], buyers: int) -> Sizes:
    """Rounds of pgbench and of every size, one after the other."""
    pace, limit = ground.pace, await ground.limit()
    for placing in placings.values():
        await placing.warm(buyers)
    rounds: list[dict[int, Pair]] = []
    for _ in range(pace.rounds):
        for placing in placings.values():
            await placing.prepare(buyers, pace.seconds)
        seq = {"seq": await pgbench.measure(limit, "seq", buyers, pace.limit_seconds)}
        rounds.append({size: Pair(seq, await placing.run(buyers, pace.seconds)) for size, placing in placings.items()})
    sizes = list(placings)
    first, last = sizes[0], sizes[-1]
    return Sizes(
        sizes=[Grown(size, beside([each[size] for each in rounds], "seq", buyers)) for size in placings],
        fall=middle(rounds, lambda each: 1 - each[last].run.per_second / each[first].run.per_second),
        resident_mib=[each[last].run.resident_mib for each in rounds],
        placed=placings[last].placed,
    )


def _found(growth: Growth) -> Found:
    kinds = {"orders": ("orders there are", growth.orders), "vendors": ("vendors", growth.vendors), "lines": ("lines", growth.lines)}
    pictures = [
        Bars(
            name=f"growth-{kind}",
            title=f"Placing as it grows, by {name}",
            unit="1/s",
            groups=[f"{one.size:,}" for one in found.sizes],
            series={
                "pgbench seq.sql": [one.beside.limit_per_second for one in found.sizes],
                "Wheelwright": [one.beside.per_second for one in found.sizes],
            },
        )
        for kind, (name, found) in kinds.items()
    ]
    goals = [
        Goal(
            says=f"placing, {kind} {found.sizes[0].size:,} to {found.sizes[-1].size:,}: fall of the rate",
            reached=found.fall,
            target=FALL,
            at_most=True,
        )
        for kind, (_, found) in list(kinds.items())[:2]
    ]
    most = max(growth.orders.resident_mib)
    goals.append(Goal(says="memory of an API process beside the most orders, MiB", reached=most, target=RSS_MIB, at_most=True))
    return Found(figures=growth, sheets=[_sheet(name, found) for name, found in kinds.values()], pictures=pictures, goals=goals)


def _sheet(name: str, found: Sizes) -> Sheet:
    resident = ", ".join(f"{mib:.0f}" for mib in found.resident_mib)
    return Sheet(
        title=f"placing as it grows: {name}; {found.sizes[0].beside.clients} buyers, beside seq.sql with as many clients",
        columns=(name, *COLUMNS[1:], *USAGE),
        rows=[row(f"{one.size:,}", one.beside) for one in found.sizes],
        notes=[
            f"from the first to the last the rate falls by {found.fall:.1%}, the median of the rounds' own",
            f"the last one's API placed {found.placed} orders; resident MiB after each round: {resident}",
        ],
    )
