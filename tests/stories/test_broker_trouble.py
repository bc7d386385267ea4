"""The broker dies, forgets everything, stands still: orders are placed all the while, and each ends right."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.world import ALL, Building, World

SECONDS = 60


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """As for all stories, but vendors have a minute to answer: the broker's absence is not their silence."""
    async with Building(database_url, scratch / "broker-trouble", {"acme": ALL, "bolt": ALL, "cedar": ALL}) as built:
        yield built


async def _place_some(world: World, count: int) -> list[str]:
    return [(await world.place(("acme", "mug", 1), ("bolt", "book", 1), ("cedar", "bowl", 1)))["id"] for _ in range(count)]


async def _all_end_right(world: World, orders: list[str]) -> None:
    for order_id in orders:
        order = await world.until(order_id, "completed", seconds=SECONDS)
        assert [sub["state"] for sub in order["sub_orders"]] == ["settled"] * 3
        story = await world.story(order_id)
        assert story.count("payment.capture") == 1
        assert story.count("transfer.transfer") == 3
    assert await world.breaches() == []


async def test_a_killed_broker_costs_only_time(world: World) -> None:
    orders = await _place_some(world, 3)
    world.nats.kill()
    assert not await world.wiring.bus.alive()
    orders += await _place_some(world, 3)
    assert (await world("olga", "GET", "/health/ready")).status_code == 503
    await asyncio.to_thread(world.nats.start)
    await _all_end_right(world, orders)
    assert (await world("olga", "GET", "/health/ready")).status_code == 200


async def test_a_broker_that_forgot_everything_is_set_up_again(world: World) -> None:
    orders = await _place_some(world, 3)
    world.nats.kill()
    shutil.rmtree(world.nats.data / "store")
    orders += await _place_some(world, 2)
    await asyncio.to_thread(world.nats.start)
    await _all_end_right(world, orders)


async def test_a_broker_that_stands_still_is_noticed_and_left(world: World) -> None:
    pid = world.nats.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(0.2)  # the signal takes a moment to reach every thread
    try:
        orders = await _place_some(world, 2)
        assert not await world.wiring.bus.alive()
        await asyncio.sleep(5)
    finally:
        os.kill(pid, signal.SIGCONT)
    await _all_end_right(world, orders)
