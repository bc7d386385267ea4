"""The replay of real orders, where they lie beside the project: placed, followed to their ends, all laws checked."""

import asyncio
import os
import re
import sys
import time
from pathlib import Path

import msgspec
from sqlalchemy import make_url

from hub.embedded.folder import Folder
from hub.embedded.start import discard
from hub.replay.hub import hub_for
from tests.bench import pgbench
from tests.bench.ground import Ground, open_limit
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet

ORDERS = Path(os.environ.get("WHEELWRIGHT_ORDERS", "../shared/data/orders"))
CLIENTS = 32


class ReplayFailed(RuntimeError):
    """It ended with an error; carries what it said."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """`placed_seconds` and `ended_seconds` from the first order on; pgbench before and after on the same PostgreSQL."""

    orders: int
    seconds: float
    placed_seconds: float
    ended_seconds: float
    laws: int
    limit_before: float
    limit_after: float

    @property
    def ratio(self) -> float:
        """Orders that ended per second to those that pgbench placed."""
        return self.orders / self.ended_seconds / ((self.limit_before + self.limit_after) / 2)


async def measure(ground: Ground) -> Found:
    """With the replay's own command, one order in ten with money that goes back."""
    if reason := _skipped(ground):
        return Found(figures={"skipped": reason}, sheets=[Sheet(title=f"real orders: {reason}", columns=("",), rows=[])])
    folder = Folder(ground.folder / "replay")
    with hub_for(folder.root) as (running, _):
        url = make_url(running.environment["WHEELWRIGHT__DATABASE__URL"]).set(database="postgres")
        limit = await open_limit(url.render_as_string(hide_password=False))
        before = await pgbench.measure(limit, "seq", CLIENTS, ground.pace.limit_seconds)
        begun = time.monotonic()
        said = await _replay(folder.root, ground.pace.replayed)
        seconds = time.monotonic() - begun
        after = await pgbench.measure(limit, "seq", CLIENTS, ground.pace.limit_seconds)
    discard(folder)
    return _found(_read(said, seconds, before.per_second, after.per_second))


def _skipped(ground: Ground) -> str:
    if not ground.pace.replayed:
        return "left out of a smoke, for tests/replay runs the same command"
    return "" if ORDERS.is_dir() else f"none in {ORDERS}; WHEELWRIGHT_ORDERS names another folder"


async def _replay(data: Path, limit: int) -> str:
    words = [sys.executable, "-m", "hub.cli", "replay", str(ORDERS), "--data", str(data), "--limit", str(limit)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    out, _ = await process.communicate()
    said = out.decode(errors="replace")
    if process.returncode:
        raise ReplayFailed(said[-4000:])
    return said


def _read(said: str, seconds: float, before: float, after: float) -> Replayed:
    placed, ended = re.search(r"placed in (\d+) s", said), re.search(r"(\d+) of \d+ ended in (\d+) s", said)
    if placed is None or ended is None:
        raise ReplayFailed(said[-4000:])
    return Replayed(
        orders=int(ended[1]),
        seconds=seconds,
        placed_seconds=float(placed[1]),
        ended_seconds=max(1.0, float(ended[2])),
        laws=said.count("holds"),
        limit_before=before,
        limit_after=after,
    )


def _found(r: Replayed) -> Found:
    seconds = [r.placed_seconds, r.ended_seconds]
    sheet = Sheet(
        title="real orders replayed, each followed to its end",
        columns=("orders", "placed in s", "ended in s", "orders/s", "pgbench/s before", "after", "ratio", "laws that hold"),
        rows=[[str(r.orders), *seconds, r.orders / r.ended_seconds, r.limit_before, r.limit_after, r.ratio, str(r.laws)]],
    )
    groups, series = ["placed", "ended"], {"seconds": seconds}
    picture = Bars(name="replayed", title=f"{r.orders} real orders: seconds until all were", unit="s", groups=groups, series=series)
    return Found(figures=r, sheets=[sheet], pictures=[picture])
