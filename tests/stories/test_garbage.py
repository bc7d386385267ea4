"""A vendor answers garbage during 500 orders and is mended: one group, one edit, a plan whose canary fails once, the books equal."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from hub.ops import invariants
from tests.conftest import MakeDatabase
from tests.world import ALL, Building, World

PATIENCE = 400
"""Seconds for all of them, on whatever machine this is; how fast they go is the benchmark's."""
ORDERS = 500
BUYERS = 12
TOTAL = 1000 + 490
"""What each of them pays, in minor units."""

PATIENT = "[guard]\nbreaker_failures = 10000\n"
"""So that all 500 die: as it comes, the breaker opens after five and the rest waits at the broker, which is better and no story."""
GARBAGE = '[[config.faults]]\ndo = "garbage"\non = "orders.submit"\n'
GLITCH = '[[config.faults]]\ndo = "bug"\non = "orders.submit"\nsku = "glitch"\ntimes = 1\n'
"""Mended, it has one mistake left."""


@pytest_asyncio.fixture(scope="module")
async def world(fresh_database: MakeDatabase, scratch: Path) -> AsyncGenerator[World]:
    async with Building(await fresh_database(), scratch / "garbage", {"acme": ALL}) as built:
        yield built


async def acme_is(world: World, faults: str) -> None:
    """Its system is changed, and its spoke starts anew."""
    path = world.data / "spokes" / "acme.toml"
    head = path.read_text().partition("[guard]")[0].partition("[config]")[0]
    path.write_text(f"{head}{PATIENT}[config]\ndeliver_after = 0.1\n{faults}")
    await world.fleet.scan()


async def place_all(world: World) -> list[dict[str, Any]]:
    """The first is for what the last mistake strikes."""
    placed = [await world.place(("acme", "glitch", 1))]
    left = iter(range(ORDERS - 1))

    async def buy() -> None:
        for _ in left:
            placed.append(await world.place(("acme", "mug", 1)))  # noqa: PERF401  # one after the other, by several buyers

    await asyncio.gather(*(buy() for _ in range(BUYERS)))
    return placed


async def operator(world: World, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = await world("olga", method, f"/v1/admin/dead-letters{path}", body, **headers)
    assert answer.status_code < 300, answer.text
    return answer.json()


async def until(world: World, plan: str, state: str, seconds: float = PATIENCE) -> dict[str, Any]:
    ends = time.monotonic() + seconds
    while (seen := await operator(world, "GET", f"/replays/{plan}"))["state"] != state:
        assert time.monotonic() < ends, seen
        await asyncio.sleep(0.3)
    return seen


async def grown_to(world: World, number: int) -> dict[str, Any]:
    """The one group there is."""
    ends = time.monotonic() + PATIENCE
    while True:
        groups = await operator(world, "GET", "/groups")
        if groups and groups[0]["count"] >= number:
            assert len(groups) == 1, groups
            return groups[0]
        assert time.monotonic() < ends, groups
        await asyncio.sleep(0.5)


@pytest.mark.timeout(1200)
async def test_all_500_orders_end_right(world: World) -> None:
    await acme_is(world, GARBAGE)
    placed = await place_all(world)
    group = await grown_to(world, ORDERS)
    assert (group["target"], group["kind"], group["count"]) == ("acme", "orders.submit", ORDERS)
    assert group["at_risk"] == [{"amount": ORDERS * TOTAL, "currency": "EUR"}]

    await acme_is(world, GLITCH)
    await mended_by_hand(world, placed[7]["id"])
    plan = await operator(
        world, "POST", "/replays", {"filter": {"fingerprint": group["fingerprint"]}, "reason": "acme is mended", "canary": 5, "rate": 100}
    )
    assert (plan["size"], plan["items"]["waiting"]) == (ORDERS - 1, ORDERS - 1)
    await operator(world, "POST", f"/replays/{plan['id']}/start", {"reason": "go"})
    paused = await until(world, plan["id"], "paused")
    assert (paused["items"]["failed"], paused["held"]) == (1, "1 failed")
    assert paused["items"]["waiting"] == ORDERS - 1 - 5, "only the canary was sent"
    await operator(world, "POST", f"/replays/{plan['id']}/resume", {"reason": "that was the last mistake"})
    done = await until(world, plan["id"], "done")
    assert {state: number for state, number in done["items"].items() if number} == {"ok": ORDERS - 1}

    for order in placed:
        ended = await world.until(order["id"], "completed", seconds=PATIENCE)
        assert ended["payment"]["captured"]["amount"] == TOTAL
        await world.settled(order["id"])
    async with world.wiring.database.reading() as tx:
        assert await invariants.check(tx, settled=True) == []
    assert await operator(world, "GET", "/groups") == []
    letters = await operator(world, "GET", "?limit=100&state=resolved")
    assert {letter["resolution"] for letter in letters["data"]} == {"answered: ok"}


async def mended_by_hand(world: World, order_id: str) -> None:
    """One letter's address is put right, and it alone is sent."""
    (letter,) = (await operator(world, "GET", f"?order={order_id}"))["data"]
    seen = await operator(world, "GET", f"/{letter['id']}")
    assert [moment["event"] for moment in seen["timeline"]][-1] == "born"
    payload = msgspec.json.decode(seen["payload"])
    payload["ship_to"]["postal_code"] = "10117"
    stale = await world("olga", "POST", f"/v1/admin/dead-letters/{letter['id']}/edit", {"payload": payload, "reason": "x"}, If_Match='"99"')
    assert stale.status_code == 412
    edited = await operator(
        world, "POST", f"/{letter['id']}/edit", {"payload": payload, "reason": "a typing error"}, If_Match=f'"{letter["version"]}"'
    )
    await operator(world, "POST", f"/{letter['id']}/replay", {"reason": "mended"}, If_Match=f'"{edited["version"]}"')
    await world.until(order_id, "completed", seconds=30)
    ends = time.monotonic() + 10
    while (await operator(world, "GET", f"/{letter['id']}"))["state"] != "resolved":
        assert time.monotonic() < ends
        await asyncio.sleep(0.1)
