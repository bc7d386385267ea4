"""PostgreSQL's own limit: the minimal honest transaction, run by its own benchmark client."""

import os
import re
import subprocess
from pathlib import Path

import msgspec

from hub.embedded.binaries import postgres_programs

HERE = Path(__file__).parent / "limit"


class Limit(msgspec.Struct, frozen=True):
    """`per_second` transactions of `average_ms` each."""

    per_second: float
    average_ms: float


def prepare(dsn: str) -> None:
    """Make the tables of the limit."""
    _run("psql", dsn, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(HERE / "schema.sql"))


def measure(dsn: str, clients: int, seconds: int) -> Limit:
    """Run `seq.sql` with so many clients for so many seconds."""
    said = _run("pgbench", dsn, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", str(HERE / "seq.sql"))
    tps = re.search(r"tps = ([\d.]+)", said)
    latency = re.search(r"latency average = ([\d.]+) ms", said)
    if tps is None or latency is None:
        raise RuntimeError(f"pgbench said: {said}")
    return Limit(float(tps[1]), float(latency[1]))


def _run(program: str, dsn: str, *words: str) -> str:
    path = postgres_programs() / program
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "5"}
    done = subprocess.run([path, *words, dsn], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr}")
    return done.stdout
