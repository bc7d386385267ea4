"""A vendor's spoke goes away and comes back: seen by all, and what was ordered meanwhile is delivered."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio

from tests.world import ALL, Building, World
from vendor_sdk import subjects
from vendor_sdk.messages import Heartbeat


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


async def until_health(world: World, vendor: str, *wanted: str, after: str = "") -> dict[str, Any]:
    """What is shown of it once it is one of these, by a start `after` that moment."""
    until = time.monotonic() + 15
    while True:
        view = (await world("olga", "GET", f"/v1/admin/vendors/{vendor}/liveness")).json()
        if view["health"] in wanted and view["seen_at"] and view["since"] > after:
            return view
        assert time.monotonic() < until, view
        await asyncio.sleep(0.1)


async def test_a_spoke_that_goes_and_comes_back(world: World):
    for vendor in ("acme", "bolt"):
        view = await until_health(world, vendor, "up")
        assert view["breakers"] == {"stock": "closed", "orders": "closed", "shipping": "closed", "returns": "closed"}
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


BREAKABLE = """
[[config.faults]]
do = "retry"
on = "stock.reserve"
times = 2

[guard]
attempts = 9
wait_first = 0.01

[guard.stock]
breaker_failures = 2
breaker_reset = 4.0
"""


async def test_an_open_breaker_is_seen_by_all_and_what_is_ordered_waits_for_it(world: World):
    view = await until_health(world, "acme", "up")
    file = world.data / "spokes" / "acme.toml"
    saved = file.read_text()
    file.write_text(saved + BREAKABLE)
    await world.fleet.scan()
    await until_health(world, "acme", "up", after=view["since"])
    sent = await delivered(world)
    first = await world.place(("acme", "mug", 1))
    seen = await until_health(world, "acme", "degraded")
    assert seen["breakers"] == {"stock": "open", "orders": "closed", "shipping": "closed", "returns": "closed"}
    assert (await world("acme", "GET", "/v1/vendor/liveness")).json()["breakers"] == seen["breakers"]
    assert 'wheelwright_breaker_state{vendor="acme",capability="stock"} 2' in (await world("olga", "GET", "/metrics")).text
    [part] = (await world.quote(("acme", "mug", 1)))["parts"]
    assert (part["delivery"], [option["days"] for option in part["shipping_options"]]) == ("delayed", [4, 2])
    second = await world.place(("acme", "mug", 1), ("bolt", "book", 1))
    assert (await world("ada", "GET", f"/v1/orders/{second['id']}")).json()["state"] == "placed", "from promised stock"
    for order in (first, second):
        await world.until(order["id"], "completed")
    await until_health(world, "acme", "up")
    assert (await world.quote(("acme", "mug", 1)))["parts"][0]["delivery"] == "normal"
    assert await delivered(world) - sent == 2, "not one delivery was used up"
    file.write_text(saved)
    await world.fleet.scan()


async def delivered(world: World) -> int:
    """How often any of acme's stock commands was delivered."""
    info = await world.wiring.bus.js.consumer_info("CMD_acme", subjects.spoke_consumer("stock"))
    assert info.delivered
    return info.delivered.consumer_seq


async def test_a_vendors_spoilt_heartbeats_silence_nobody_else(world: World):
    """All that is heard is kept in one statement: what PostgreSQL refuses of one vendor would be lost for all."""
    import nats

    before = (await until_health(world, "bolt", "up"))["seen_at"]
    told = Heartbeat(boot_id="b", version="\0", capabilities=["stock"], breakers={}, in_flight=1 << 40, oldest_command_age=0.0)
    client = await nats.connect(world.nats.url, nkeys_seed_str=world.seeds["acme"])
    try:
        seen: list[str] = []
        until = time.monotonic() + 10
        while len(seen) < 3:
            assert time.monotonic() < until, "nobody is heard any more"
            await client.publish(subjects.SPOKE_HEARTBEAT, msgspec.json.encode(told))
            await asyncio.sleep(0.01)
            view = (await world("olga", "GET", "/v1/admin/vendors/bolt/liveness")).json()
            seen += [view["seen_at"]] if view["seen_at"] not in {before, *seen} else []
    finally:
        await client.close()


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
