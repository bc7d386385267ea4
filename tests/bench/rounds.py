"""Interleaved rounds: a run of pgbench, then a run of ours, on the same PostgreSQL in the same minute, again and again."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tests.bench import pgbench
from tests.bench.figures import Latency, latency, middle
from tests.bench.ground import Api, Ground
from tests.bench.load.bear import bear
from tests.bench.load.work import Heard, Work
from tests.bench.pgbench import Limit


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of ours; CPU in cores, so that 2 is a whole machine of two."""

    heard: Heard
    latency: Latency
    api_cores: float
    postgres_cores: float
    load_cores: float
    resident_mib: float

    @property
    def per_second(self) -> float:
        """Journeys."""
        return self.heard.per_second


class Pair(msgspec.Struct, frozen=True):
    """One round: the limit by script, and ours."""

    limits: dict[str, Limit]
    run: Run


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over the rounds; ratios are medians of each round's own. `limit` is the script that ours is compared with."""

    clients: int
    limit: str
    limit_per_second: float
    limit_p50_ms: float
    limit_p99_ms: float
    per_second: float
    p50_ms: float
    p99_ms: float
    ratio: float
    p50_ratio: float
    p99_ratio: float
    api_cores: float
    postgres_cores: float
    load_cores: float
    load_us_per_call: float
    resident_mib: float


async def run(ground: Ground, api: Api, work: Work) -> Run:
    """Bear the load, and see who uses how much of the machine meanwhile."""
    before = api.cpu_seconds, ground.postgres_cpu_seconds
    heard = await bear(work)
    used = api.cpu_seconds - before[0], ground.postgres_cpu_seconds - before[1]
    return Run(
        heard=heard,
        latency=latency(heard.journeys_ms),
        api_cores=used[0] / heard.seconds,
        postgres_cores=used[1] / heard.seconds,
        load_cores=heard.cpu_seconds / heard.seconds,
        resident_mib=api.resident_mib,
    )


async def _nothing() -> None:
    """Nothing to prepare."""


async def interleave(
    ground: Ground,
    scripts: Sequence[str],
    clients: int,
    ours: Callable[[], Awaitable[Run]],
    prepare: Callable[[], Awaitable[None]] = _nothing,
) -> list[Pair]:
    """`ours` beside each script with as many clients, `pace.rounds` times.

    `prepare` comes first in a round: what it writes is on disk, or on its way there, when ours begins.
    """
    dsn, pairs = await ground.limit(), list[Pair]()
    for _ in range(ground.pace.rounds):
        await prepare()
        limits = {script: await pgbench.measure(dsn, script, clients, ground.pace.limit_seconds) for script in scripts}
        pairs.append(Pair(limits, await ours()))
    return pairs


def beside(pairs: Sequence[Pair], script: str, clients: int) -> Beside:
    """The figures of ours against one of the scripts."""
    limits = [pair.limits[script] for pair in pairs]
    runs = [pair.run for pair in pairs]

    def against(ours: Callable[[Run], float], theirs: Callable[[Limit], float]) -> float:
        return middle(pairs, lambda pair: ours(pair.run) / theirs(pair.limits[script]))

    return Beside(
        clients=clients,
        limit=script,
        limit_per_second=middle(limits, lambda one: one.per_second),
        limit_p50_ms=middle(limits, lambda one: one.latency.p50_ms),
        limit_p99_ms=middle(limits, lambda one: one.latency.p99_ms),
        per_second=middle(runs, lambda one: one.per_second),
        p50_ms=middle(runs, lambda one: one.latency.p50_ms),
        p99_ms=middle(runs, lambda one: one.latency.p99_ms),
        ratio=against(lambda one: one.per_second, lambda one: one.per_second),
        p50_ratio=against(lambda one: one.latency.p50_ms, lambda one: one.latency.p50_ms),
        p99_ratio=against(lambda one: one.latency.p99_ms, lambda one: one.latency.p99_ms),
        api_cores=middle(runs, lambda one: one.api_cores),
        postgres_cores=middle(runs, lambda one: one.postgres_cores),
        load_cores=middle(runs, lambda one: one.load_cores),
        load_us_per_call=middle(runs, lambda one: one.heard.cpu_seconds / one.heard.calls * 1e6),
        resident_mib=middle(runs, lambda one: one.resident_mib),
    )


COLUMNS = ("", "pgbench/s", "p50 ms", "p99 ms", "ours/s", "p50 ms", "p99 ms", "ratio", "p50 x", "p99 x")
USAGE = ("API", "PostgreSQL", "load", "load µs/call", "RSS MiB")
"""The first three in cores."""


def row(name: str, b: Beside) -> list[str | float]:
    """A line under `COLUMNS` and `USAGE`."""
    figures = [b.limit_per_second, b.limit_p50_ms, b.limit_p99_ms, b.per_second, b.p50_ms, b.p99_ms, b.ratio, b.p50_ratio, b.p99_ratio]
    return [name, *figures, b.api_cores, b.postgres_cores, b.load_cores, b.load_us_per_call, b.resident_mib]
