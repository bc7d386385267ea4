"""Product reads and search over many offers, beside a trivial handler on the same server stack in the same minutes."""

import random
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from sqlalchemy import text

from tests.bench import assortment
from tests.bench.bare import run_at_best, trivial
from tests.bench.figures import Goal, middle
from tests.bench.ground import Api, Ground, Trade
from tests.bench.load.work import Work
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.rounds import Run, run

READERS = 32
DIFFERENT = 20_000
"""Products read, and searches made; then again from the start, when the API has long forgotten the first."""
HOT = 100
"""Of these, those that are read so often that the API has a copy of most (`http.copy_seconds`)."""
KEPT = "a product, kept"
TWO = "a search for two words"
DATABASE = "bench_assortment"
_TITLES = text("SELECT title FROM products WHERE id = ANY(:ids)")


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the rounds; `ratio` is to the trivial handler's requests per second in the same round."""

    kind: str
    per_second: float
    trivial_per_second: float
    ratio: float
    ratio_at_best: float
    """If a request took what the trivial handler takes, and PostgreSQL and the load generator what they take for it."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    api_cores: float
    postgres_cores: float
    resident_mib: float


class Reads(msgspec.Struct, frozen=True):
    """Over so many offers."""

    offers: int
    kinds: list[Read]


async def measure(ground: Ground) -> Found:
    """A product, a search for two words that some product's title has, both also kept, a search for one word."""
    async with ground.trade(DATABASE, offers=ground.pace.offers) as trade:
        paths = {KEPT: products(ground.pace.offers)[:HOT], "a product": products(ground.pace.offers)}
        titles = await titles_of(trade, ground.pace.offers)
        two = searches(titles, 2)
        paths |= {f"{TWO}, kept": two[:HOT], TWO: two, "a search for one word": searches(titles, 1)}
        rounds: list[dict[str, Run]] = []
        with trivial(ground) as handler:
            for path in paths.values():
                await _read(ground, trade.api, path, ground.pace.seconds / 2)  # connections and plans are made
            for _ in range(ground.pace.rounds):
                bare = await _read(ground, handler, ["/"], ground.pace.seconds)
                ours = {kind: await _read(ground, trade.api, path, ground.pace.seconds) for kind, path in paths.items()}
                rounds.append({"trivial": bare, **ours})
    return _found(Reads(ground.pace.offers, [_of(kind, rounds) for kind in paths]))


def products(offers: int) -> list[str]:
    """Paths of products, drawn from all."""
    draw = random.Random(1)
    return [f"/v1/products/{assortment.product_id(draw.randint(1, offers))}" for _ in range(DIFFERENT)]


def searches(titles: Sequence[str], count: int) -> list[str]:
    """Paths of searches for so many words of each title."""
    draw = random.Random(2)
    return [
        f"/v1/search?q={quote(' '.join(draw.sample(sorted(set(title.split())), count)))}" for title in titles if len(set(title.split())) > 1
    ]


async def titles_of(trade: Trade, offers: int) -> list[str]:
    """Of products drawn from all."""
    draw = random.Random(3)
    ids = [assortment.product_id(draw.randint(1, offers)) for _ in range(DIFFERENT)]
    async with trade.database.reading() as tx:
        return [row.title for row in await tx.rows(_TITLES, {"ids": ids})]


async def _read(ground: Ground, api: Api, paths: list[str], seconds: float) -> Run:
    return await run(ground, api, Work(ports=api.ports, connections=READERS, journey="look", given=paths, seconds=seconds, again=True))


def _at_best(own: Run, bare: Run) -> float:
    return run_at_best(own, 1, bare.api_cores / bare.per_second) / bare.per_second


def _of(kind: str, rounds: Sequence[dict[str, Run]]) -> Read:
    ours = [each[kind] for each in rounds]
    return Read(
        kind=kind,
        per_second=middle(ours, lambda one: one.per_second),
        trivial_per_second=middle(rounds, lambda each: each["trivial"].per_second),
        ratio=middle(rounds, lambda each: each[kind].per_second / each["trivial"].per_second),
        ratio_at_best=middle(rounds, lambda each: _at_best(each[kind], each["trivial"])),
        p50_ms=middle(ours, lambda one: one.latency.p50_ms),
        p95_ms=middle(ours, lambda one: one.latency.p95_ms),
        p99_ms=middle(ours, lambda one: one.latency.p99_ms),
        api_cores=middle(ours, lambda one: one.api_cores),
        postgres_cores=middle(ours, lambda one: one.postgres_cores),
        resident_mib=middle(ours, lambda one: one.resident_mib),
    )


def _row(one: Read) -> list[str | float]:
    rates = [one.trivial_per_second, one.per_second, one.ratio, one.p50_ms, one.p95_ms, one.p99_ms]
    return [one.kind, *rates, one.api_cores, one.postgres_cores, one.resident_mib]


def _found(reads: Reads) -> Found:
    sheet = Sheet(
        title=f"reads over {reads.offers:,} offers, {READERS} readers, beside a trivial handler on the same stack",
        columns=("", "trivial/s", "ours/s", "ratio", "p50 ms", "p95 ms", "p99 ms", "API", "PostgreSQL", "RSS MiB"),
        rows=[_row(one) for one in reads.kinds],
    )
    picture = Bars(
        name="reads",
        title=f"Requests per second over {reads.offers:,} offers",
        unit="1/s",
        groups=[one.kind for one in reads.kinds],
        series={
            "a trivial Litestar handler": [one.trivial_per_second for one in reads.kinds],
            "Wheelwright": [one.per_second for one in reads.kinds],
        },
    )
    aimed = [one for one in reads.kinds if one.kind in {KEPT, TWO}]
    goals = [
        Goal(says=f"{one.kind}: requests/s against a trivial handler", reached=one.ratio, target=0.5, at_best=one.ratio_at_best)
        for one in aimed
    ]
    goals += [Goal(says=f"{one.kind}: p95 in ms", reached=one.p95_ms, target=50.0, at_most=True) for one in aimed]
    return Found(figures=reads, sheets=[sheet], pictures=[picture], goals=goals)
