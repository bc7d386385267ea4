"""`make bench`: placing through the HTTP API beside pgbench, eight vendors beside a dead and a slow one, triage; with fsync on.

`python -m tests.bench placing`, `… bulkheads` or `… triage` measures one of them; bench.json keeps the others as they were.
"""

import asyncio
import logging
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.children import Python
from hub.embedded.ports import claim_port
from hub.embedded.postgres import Postgres
from hub.migrate import upgrade_at
from hub.replay.web import Web
from hub.runtime import auth
from hub.runtime.database import Actor, Database
from tests.bench import bulkheads, pgbench, triage
from tests.bench.bulkheads import Bulkheads
from tests.bench.placing import Market, Placed, place
from tests.bench.triage import TARGET_MS, Triage

BUYERS = (1, 8, 32)
ROUNDS = 3
ORDERS = {1: 100, 8: 400, 32: 600}
LIMIT_SECONDS = 4
LIMIT_DATABASE = "postgres"
REPORT = Path("bench.json")
T = TypeVar("T")
PARTS = ("placing", "bulkheads", "triage")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report; `ratio` is placing over the limit, `latency_ratio` its p50 over pgbench's average."""

    buyers: int
    limit_per_second: float
    placed_per_second: float
    ratio: float
    limit_ms: float
    p50_ms: float
    p99_ms: float
    latency_ratio: float


def main(parts: Sequence[str]) -> int:
    """Measure, print, write bench.json. 2 for an unknown part."""
    if unknown := set(parts) - set(PARTS):
        Console().print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
        return 2
    report: dict[str, Any] = msgspec.json.decode(REPORT.read_bytes()) if REPORT.exists() else {}
    folder = Path(tempfile.mkdtemp(prefix="ww-bench-"))
    folder.chmod(0o711)
    server = Postgres(folder / "postgres")
    try:
        server.start()
        if "placing" in parts:
            report["placing"] = figures = _with_api(server, folder)
            _print(figures)
        if "bulkheads" in parts:
            report["bulkheads"] = found = asyncio.run(_on_its_own(server, folder / "bulkheads", bulkheads.measure))
            _print_bulkheads(found)
        if "triage" in parts:
            report["triage"] = mended = asyncio.run(_on_its_own(server, folder / "triage", triage.measure))
            _print_triage(mended)
    finally:
        server.discard()
        shutil.rmtree(folder)
    REPORT.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return 0


async def _on_its_own(server: Postgres, folder: Path, measure: Callable[[str, Path], Awaitable[T]]) -> T:
    """On a database of its own, where nothing else is left to be done."""
    engine = create_async_engine(server.url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {folder.name}"))
    await engine.dispose()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    url = server.url_of(folder.name)
    await asyncio.to_thread(upgrade_at, url)
    return await measure(url, folder)


def _with_api(server: Postgres, folder: Path) -> list[Figure]:
    """One API process on `server`, and nothing else: what follows placing is other processes' work."""
    port = claim_port(0, "--port")
    rates = {f"WHEELWRIGHT__HTTP__{kind}_PER_MINUTE": "10000000" for kind in ("ANONYMOUS", "BUYER", "VENDOR", "OPERATOR")}
    environment = {**os.environ, **rates, "WHEELWRIGHT__DATABASE__URL": server.url, "WHEELWRIGHT__LOG__LEVEL": "error"}
    upgrade_at(server.url)
    pgbench.prepare(server.dsn_of(LIMIT_DATABASE))
    api = Python("hub.cli", ["api", "--port", str(port)], env=environment, log=folder / "api.log")
    api.launch()
    try:
        return asyncio.run(_measure(server, f"http://127.0.0.1:{port}"))
    finally:
        api.stop()


async def _measure(server: Postgres, url: str) -> list[Figure]:
    database = Database(server.url, pool_size=1)
    async with database.tx() as tx:
        operator = await auth.issue(tx, Actor("operator", "bench"))
    await database.close()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        web = Web(session, url)
        market = Market(web, operator)
        await market.open(max(BUYERS))
        return [await _compare(server, web, market, buyers) for buyers in BUYERS]


async def _compare(server: Postgres, web: Web, market: Market, buyers: int) -> Figure:
    limits: list[pgbench.Limit] = []
    placed: list[Placed] = []
    for _ in range(ROUNDS):
        quotes = await market.quotes(ORDERS[buyers])
        limits.append(await asyncio.to_thread(pgbench.measure, server.dsn_of(LIMIT_DATABASE), buyers, LIMIT_SECONDS))
        placed.append(await place(web, quotes, buyers))
    limit = statistics.median(run.per_second for run in limits)
    rate = statistics.median(run.per_second for run in placed)
    limit_ms = statistics.median(run.average_ms for run in limits)
    p50 = statistics.median(run.p50_ms for run in placed)
    return Figure(
        buyers=buyers,
        limit_per_second=limit,
        placed_per_second=rate,
        ratio=rate / limit,
        limit_ms=limit_ms,
        p50_ms=p50,
        p99_ms=statistics.median(run.p99_ms for run in placed),
        latency_ratio=p50 / limit_ms,
    )


def _print(figures: list[Figure]) -> None:
    table = Table(title=f"placing an order over three vendors, against pgbench; median of {ROUNDS} interleaved rounds")
    for name in ("buyers", "pgbench/s", "placed/s", "ratio", "pgbench ms", "p50 ms", "p99 ms", "p50 ratio"):
        table.add_column(name, justify="right")
    for f in figures:
        cells = [f.limit_per_second, f.placed_per_second, f.ratio, f.limit_ms, f.p50_ms, f.p99_ms, f.latency_ratio]
        table.add_row(str(f.buyers), *(f"{cell:.3g}" if cell < 100 else f"{cell:.0f}" for cell in cells))
    Console().print(table)


def _print_bulkheads(found: Bulkheads) -> None:
    title = f"{found.vendors} vendors, {found.orders_per_second:g} orders/s: how long eight answer; median of {found.rounds} rounds"
    table = Table()
    for name in ("", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    for name, latency in (("all are well", found.baseline), ("one dead, one 30 s slow", found.troubled)):
        table.add_row(name, f"{latency.p50_ms:.1f}", f"{latency.p99_ms:.1f}")
    Console().print(title, table, f"p99 ratio {found.ratio:.2f} (at most 2); {found.held} commands wait for the other two", sep="\n")


def _print_triage(found: Triage) -> None:
    table = Table()
    for name in (f"{found.letters} open letters in {found.groups_found} groups", "p50 ms", "p95 ms"):
        table.add_column(name, justify="left" if "letters" in name else "right")
    for name, latency in (
        ("the grouped list, just loaded", found.unvacuumed),
        ("the grouped list, after VACUUM ANALYZE", found.groups),
        (f"the same over HTTP (at most {TARGET_MS})", found.over_http),
        ("a page of 100 of the largest group, over HTTP", found.page_over_http),
    ):
        table.add_row(name, f"{latency.p50_ms:.1f}", f"{latency.p95_ms:.1f}")
    r = found.replayed
    pace = (
        f"{r.letters} replayed in {r.seconds:.1f} s, {r.rounds} rounds without the worker's pauses; previewed in {r.preview_seconds:.2f} s"
    )
    memory = f"resident: {r.warm_mib:.1f} MiB after a tenth, at most {r.most_mib:.1f}, {r.end_mib:.1f} at the end"
    memory += f"; blocks held: {r.warm_blocks}, at most {r.most_blocks}, {r.end_blocks}"
    load = f"load of the machine meanwhile: {found.load:.1f} on {os.cpu_count()} cores"
    Console().print(table, load, *found.plan_of_groups, pace, memory, sep="\n", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or PARTS))
