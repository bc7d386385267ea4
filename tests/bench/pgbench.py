"""PostgreSQL's own limit: a minimal honest transaction, run by its own benchmark client, with the latency of each."""

import asyncio
import os
import re
import resource
import tempfile
from pathlib import Path

import msgspec

from hub.embedded.binaries import postgres_programs
from tests.bench.figures import Latency, latency

HERE = Path(__file__).parent / "limit"
TIME_FIELD = 2
"""Of a line of pgbench's log: microseconds the transaction took."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """`cpu_seconds` are the client's own."""

    per_second: float
    latency: Latency
    cpu_seconds: float
    seconds: float


class PgbenchFailed(RuntimeError):
    """It, or psql, ended with an error."""


async def prepare(dsn: str) -> None:
    """Make the tables of the limit, and what a script of one statement calls."""
    for name in ("schema", "function"):
        await _run("psql", dsn, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(HERE / f"{name}.sql"))


async def measure(dsn: str, script: str, clients: int, seconds: float) -> Limit:
    """Run `limit/<script>.sql`, prepared, with so many clients for so many seconds (whole ones).

    On a machine that is so busy that nothing comes of it, it has twice as long. Raises `PgbenchFailed`.
    """
    for longer in (1, 2, 4, 8):
        found = await _measure(dsn, script, clients, max(1, round(seconds)) * longer)
        if found is not None:
            return found
    raise PgbenchFailed(f"{script} with {clients} clients: not one transaction in {seconds * 8:.0f} s")


async def _measure(dsn: str, script: str, clients: int, seconds: int) -> Limit | None:
    words = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)), "-T", str(seconds)]
    with tempfile.TemporaryDirectory(prefix="ww-bench-") as folder:
        before = _children_cpu()
        said = await _run("pgbench", dsn, *words, "-f", str(HERE / f"{script}.sql"), "-l", "--log-prefix", f"{folder}/log")
        cpu = _children_cpu() - before
        taken = _taken(Path(folder))
    tps = re.search(r"tps = ([\d.]+)", said)
    if tps is None or not taken:
        return None
    return Limit(per_second=float(tps[1]), latency=latency(taken), cpu_seconds=cpu, seconds=seconds)


def _taken(logs: Path) -> list[float]:
    """Milliseconds of each transaction: pgbench's threads have a log each."""
    return [int(line.split()[TIME_FIELD]) / 1000 for log in logs.iterdir() for line in log.read_text().splitlines()]


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _run(program: str, dsn: str, *words: str) -> str:
    path = postgres_programs() / program
    process = await asyncio.create_subprocess_exec(
        path,
        *words,
        dsn,
        env={**os.environ, "PGCONNECT_TIMEOUT": "5"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode:
        raise PgbenchFailed(f"{program}: {err.decode(errors='replace')}")
    return out.decode()
