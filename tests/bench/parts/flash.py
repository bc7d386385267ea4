"""Flash sales: everybody wants the same SKU, or the same three; and 64 buyers for ten units, of which exactly ten are sold."""

from typing import Any

import msgspec
from sqlalchemy import text

from tests.bench import placed
from tests.bench.bare import ratio_at_best, request_seconds
from tests.bench.figures import Goal
from tests.bench.ground import APIS, Ground, Trade
from tests.bench.load.bear import bear
from tests.bench.load.work import Work
from tests.bench.parts.placing import Placing
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.rounds import COLUMNS, USAGE, Beside, Pair, beside, row

BUYERS = 64
UNITS = 10
SCRIPTS = {1: ("hot1_seq", "hot1_fn"), 3: ("hot3_seq", "hot3_fn")}
TARGET = 5.0
_STOCK = text("SELECT on_hand, reserved, shipped, received FROM stock WHERE offer_id = :offer")
_SCARCE = text("UPDATE stock SET on_hand = :units, received = reserved + shipped + :units WHERE offer_id = :offer")


class Scramble(msgspec.Struct, frozen=True):
    """`buyers` for `units`; who got none was told so."""

    buyers: int
    units: int
    sold: int
    refused: int
    left: int

    @property
    def oversold(self) -> int:
        """Units that were sold and are not there."""
        return max(0, self.sold - self.units)


class Flash(msgspec.Struct, frozen=True):
    """By the number of hot SKUs and script."""

    beside: dict[str, Beside]
    scrambles: list[Scramble]


async def measure(ground: Ground) -> Found:
    """One hot SKU with one line an order, three with three lines; then the scramble, once for each round."""
    rounds: dict[str, list[Pair]] = {}
    async with ground.trade("bench_flash", apis=APIS) as trade:
        for hot, scripts in SCRIPTS.items():
            lines = {offers[0]: 1 for offers in trade.market.offers[:hot]}
            await trade.quotes.make(trade.api.ports[0], _everybody(trade, lines))
            placing = Placing(ground, trade, lines=hot)
            await placing.warm(BUYERS)
            pairs = await placing.beside(scripts, BUYERS)
            rounds |= dict.fromkeys(scripts, pairs)
        scrambles = [await _scramble(trade, offer) for offer in trade.market.offers[0][1 : ground.pace.rounds + 1]]
    figures = {script: beside(pairs, script, BUYERS) for script, pairs in rounds.items()}
    return _found(Flash(figures, scrambles), ratio_at_best(rounds["hot1_seq"], "hot1_seq", 1, await request_seconds(ground)))


async def _scramble(trade: Trade, offer: str) -> Scramble:
    async with trade.database.tx() as tx:
        await tx.execute(_SCARCE, {"offer": offer, "units": UNITS})
    await trade.quotes.make(trade.api.ports[0], _everybody(trade, {offer: 1}))
    before = await placed.tally(trade.database)
    given = await trade.quotes.copies(BUYERS)
    heard = await bear(Work(ports=trade.api.ports, connections=BUYERS, journey="scramble", given=given))
    await placed.check(trade.database, before, heard.ids, 1)
    async with trade.database.reading() as tx:
        left = await tx.row(_STOCK, {"offer": offer})
    assert left is not None, "it was offered"
    return Scramble(BUYERS, UNITS, len(heard.ids), BUYERS - len(heard.ids), left.on_hand)


def _everybody(trade: Trade, lines: dict[str, int]) -> list[Any]:
    return [(customer.key, lines) for customer in trade.market.customers]


def _found(flash: Flash, best: float) -> Found:
    one, three = flash.beside["hot1_seq"], flash.beside["hot3_seq"]
    worst = max(flash.scrambles, key=lambda each: abs(each.sold - each.units))
    sheet = Sheet(
        title=f"flash sale, {BUYERS} buyers, beside pgbench on the same rows",
        columns=("pgbench's script", *COLUMNS[1:], *USAGE),
        rows=[row(script, each) for script, each in flash.beside.items()],
        notes=[
            f"{each.buyers} buyers for {each.units} units: {each.sold} sold, {each.refused} refused, {each.left} left"
            for each in flash.scrambles
        ],
    )
    picture = Bars(
        name="flash",
        title=f"Flash sale, {BUYERS} buyers: orders per second",
        unit="1/s",
        groups=["one SKU", "three SKUs"],
        series={
            "pgbench, statements": [one.limit_per_second, three.limit_per_second],
            "pgbench, one call": [flash.beside[name].limit_per_second for name in ("hot1_fn", "hot3_fn")],
            "Wheelwright over HTTP": [one.per_second, three.per_second],
        },
    )
    goals = [
        Goal(
            says="flash sale on one SKU, 64 buyers: rate against the same on one row",
            reached=one.ratio,
            target=TARGET,
            at_best=best,
        ),
        Goal(says="64 buyers for 10 units: sold", reached=worst.sold, target=UNITS),
        Goal(says="64 buyers for 10 units: oversold", reached=worst.oversold, target=0, at_most=True),
    ]
    return Found(figures=flash, sheets=[sheet], pictures=[picture], goals=goals)
