"""A whole hub as `hub run` starts one, with a market of three vendors that have dummy spokes: what lives are measured on."""

import contextlib
from collections.abc import AsyncGenerator
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
from tests.bench.ground import Ground, open_limit
from tests.bench.market import Market, Quotes, open_market
from tests.bench.usage import cpu_seconds, resident_mib

VENDORS = 3
SKUS = 900
PARTS = {"API": "api", "worker": "worker", "spokes": "spokes", "sandbox": "sandbox", "broker": "nats-server", "PostgreSQL": "postgres"}
"""The hub's processes, and the word by which each is known among the supervisor's children."""
OURS = ("API", "worker")
"""Those that run the hub's own code."""
_NEWEST_MOVE = text("SELECT coalesce(max(seq), 0) FROM timeline")


class WholeHub(msgspec.Struct, frozen=True):
    """One that runs; `limit` is the address of pgbench's database on its PostgreSQL."""

    port: int
    database: Database
    quotes: Quotes
    limit: str
    pids: dict[str, int]

    async def newest_move(self) -> int:
        """Its place in the timeline: what comes after it has a greater one."""
        async with self.database.reading() as tx:
            return await tx.scalar(_NEWEST_MOVE)

    def cpu_seconds(self) -> dict[str, float]:
        """By process, so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def cpu_since(self, before: dict[str, float]) -> dict[str, float]:
        """Seconds by process."""
        return {name: seconds - before[name] for name, seconds in self.cpu_seconds().items()}

    def resident_mib(self) -> dict[str, float]:
        """By process, now."""
        return {name: resident_mib(pid) for name, pid in self.pids.items()}


def of_others(cpu: dict[str, float]) -> float:
    """Of what processes took, what those took that do not run the hub's own code."""
    return sum(seconds for name, seconds in cpu.items() if name not in OURS)


@contextlib.asynccontextmanager
async def whole_hub(ground: Ground, *, capabilities: list[str]) -> AsyncGenerator[WholeHub]:
    """Its vendors' spokes can do these; who ships does it at once, and delivers at once; their money is not held."""
    folder = Folder(ground.folder / "hub")
    with hub_for(folder.root) as (running, _):
        url = running.environment["WHEELWRIGHT__DATABASE__URL"]
        limit = await open_limit(make_url(url).set(database="postgres").render_as_string(hide_password=False))
        database = Database(url, pool_size=4)
        try:
            market = await _open(running, folder, database, min(ground.pace.skus, SKUS), capabilities)
            pids = {name: pid for name, word in PARTS.items() if (pid := find_child(running.pid, word)) is not None}
            yield WholeHub(int(running.url.rpartition(":")[2]), database, Quotes(database, market), limit, pids)
        finally:
            await database.close()
    discard(folder)


async def _open(running: Running, folder: Folder, database: Database, skus: int, capabilities: list[str]) -> Market:
    def terms(code: str) -> dict[str, Any]:
        return {
            "nkey_public": _new_key(folder.spoke_seeds, code),
            "capabilities": capabilities,
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
        market = await open_market(database, port, vendors=VENDORS, skus=skus, terms=terms)
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
