"""A vendor's spoke goes away and comes back: seen by all, and what was ordered meanwhile is delivered."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.world import ALL, Building, World
from vendor_sdk import subjects


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """Two vendors; a spoke counts as down after four seconds."""
    settings = {"orders__vendor_degraded_seconds": "2.5", "orders__vendor_down_seconds": "4"}
    async with Building(database_url, scratch / "liveness", {"acme": ALL, "bolt": ALL}, **settings) as built:
        for name in ("acme", "bolt"):
            file = built.data / "spokes" / f"{name}.toml"
            file.write_text("heartbeat = 0.2\n" + file.read_text())
        await built.fleet.scan()
        yield built


async def until_health(world: World, vendor: str, *wanted: str) -> dict[str, Any]:
    until = time.monotonic() + 15
    while True:
        view = (await world("olga", "GET", f"/v1/admin/vendors/{vendor}/liveness")).json()
        if view["health"] in wanted and view["seen_at"]:
            return view
        assert time.monotonic() < until, view
        await asyncio.sleep(0.1)


async def test_a_spoke_that_goes_and_comes_back(world: World):
    for vendor in ("acme", "bolt"):
        view = await until_health(world, vendor, "up")
        assert view["breakers"] == {"stock": "closed", "orders": "closed", "shipping": "closed"}
    await world.until((await world.place(("acme", "mug", 1)))["id"], "completed")
    file = world.data / "spokes" / "acme.toml"
    saved = file.read_text()
    file.unlink()
    await world.fleet.scan()
    await until_health(world, "acme", "down")
    assert (await world("bolt", "GET", "/v1/vendor/liveness")).json()["health"] == "up", "the others are not touched"

    quote = await world.quote(("acme", "mug", 1), ("bolt", "book", 1))
    assert {part["vendor"]: part["delivery"] for part in quote["parts"]} == {"acme": "delayed", "bolt": "normal"}
    placed = await world.place(("acme", "mug", 1), ("bolt", "book", 1))
    await asyncio.sleep(0.5)
    waiting = await world.wiring.bus.js.consumer_info("CMD_acme", subjects.spoke_consumer("stock"))
    assert waiting.num_pending == 1, "it waits in the stream"

    file.write_text(saved)
    await world.fleet.scan()
    await world.until(placed["id"], "completed")
    await until_health(world, "acme", "up")


async def test_a_full_stream_is_a_busy_vendor_and_nothing_is_given_up(world: World):
    """The spoke is away, its stream has room for two messages; all is sent when there is room again, under the same names."""
    js = world.wiring.bus.js
    await until_health(world, "acme", "up")
    file = world.data / "spokes" / "acme.toml"
    saved = file.read_text()
    file.unlink()
    await world.fleet.scan()
    usual = (await js.stream_info("CMD_acme")).config
    await js.update_stream(usual.evolve(max_msgs=2))
    orders = [await world.place(("acme", "mug", 1)) for _ in range(5)]
    until = time.monotonic() + 5
    while not (view := (await world("olga", "GET", "/v1/admin/vendors/acme/liveness")).json())["busy"]:
        assert time.monotonic() < until, view
        await asyncio.sleep(0.1)
    assert view["health"] in {"degraded", "down"}
    rows = await steps_of(world, orders)
    assert sum(row.attempt == 0 for row in rows) == 3, "as if they had not been sent"
    assert all(row.deadline - row.created_at < 61 for row in rows if row.attempt == 0), "no time of the vendor's runs"
    assert (await world("olga", "GET", "/v1/admin/dead-letters")).json()["data"] == []
    await js.update_stream(usual)
    file.write_text(saved)
    await world.fleet.scan()
    for order in orders:
        await world.until(order["id"], "completed")
    rows = await steps_of(world, orders)
    assert [row.attempt for row in rows] == [1] * 5


async def steps_of(world: World, orders: list[dict[str, Any]]) -> Any:
    """The reserving steps, with times in seconds."""
    from sqlalchemy import text

    query = text(
        "SELECT attempt, extract(epoch FROM deadline) AS deadline, extract(epoch FROM created_at) AS created_at"
        " FROM steps WHERE kind = 'stock.reserve' AND saga_id = ANY(:ids)"
    )
    async with world.wiring.database.reading() as tx:
        return await tx.rows(query.bindparams(ids=[order["id"] for order in orders]))
