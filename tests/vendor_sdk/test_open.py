"""A spoke whose breaker is open, at a real broker: nothing more is pulled, no delivery is used up, nothing is lost."""

import asyncio
import time

from tests.vendor_sdk import orders
from tests.vendor_sdk.conftest import RunSpoke
from tests.vendor_sdk.stand import Stand, until
from vendor_sdk import subjects
from vendor_sdk.messages import Dead


async def test_an_open_breaker_stops_the_pulling(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    spoke = await run_spoke(
        vendor,
        {"faults": [{"do": "retry", "times": 3}]},
        concurrency=4,
        guard={"attempts": 1, "breaker_failures": 3, "breaker_reset": 1.5},
        nats={"url": stand.server.url, "pull_expires": 1.0, "idle_heartbeat": 0.2},
    )
    for number in range(40):
        await stand.command(vendor, orders.reserve(f"sub-{number}"), f"{vendor}.r{number}")
    await until(lambda: spoke.breakers["stock"] == "open")
    await asyncio.sleep(0.3)
    stream = subjects.command_stream(vendor)
    info = await stand.js.consumer_info(stream, subjects.spoke_consumer("stock"))
    waiting = info.num_pending
    assert waiting is not None
    assert waiting >= 40 - 3 - 2 * 4
    await asyncio.sleep(0.5)
    assert (await stand.js.consumer_info(stream, subjects.spoke_consumer("stock"))).num_pending == waiting
    for number in range(40):
        await stand.event(f"{vendor}.r{number}.reserved")
    assert len(stand.effects(vendor)) == 40


async def test_an_open_breaker_stops_its_capability_alone(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    """Reservations wait at the broker, not one delivery of theirs is used up; recalls are done at once."""
    spoke = await run_spoke(
        vendor,
        {"faults": [{"do": "retry", "times": 2, "on": "stock.reserve"}]},
        concurrency=2,
        guard={"attempts": 9, "wait_first": 0.01, "breaker_failures": 2, "breaker_reset": 4.0},
    )
    await stand.command(vendor, orders.reserve("sub-0"), f"{vendor}.r0")
    await until(lambda: spoke.breakers["stock"] == "open")
    for number in range(1, 10):
        await stand.command(vendor, orders.reserve(f"sub-{number}"), f"{vendor}.r{number}")
    await stand.command(vendor, orders.recall("sub-20", f"{vendor}.s"), f"{vendor}.l")
    await stand.event(f"{vendor}.l.recalled", within=3)
    assert spoke.breakers == {"stock": "open", "orders": "closed", "shipping": "closed", "returns": "closed"}
    for number in range(10):
        await stand.event(f"{vendor}.r{number}.reserved")
    await until(lambda: spoke.breakers["stock"] == "closed")
    info = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    assert info.delivered
    assert info.delivered.consumer_seq == 10, "each was delivered once"


async def impatient(stand: Stand, vendor: str) -> None:
    """The broker would deliver what is not acknowledged again after half a second."""
    info = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    await stand.js.add_consumer(subjects.command_stream(vendor), info.config.evolve(backoff=None, ack_wait=0.5))


async def deliveries(stand: Stand, vendor: str) -> int:
    """How often the broker has delivered any of the vendor's stock commands: what `num_delivered` of them adds up to."""
    info = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    assert info.delivered
    return info.delivered.consumer_seq


async def test_what_an_open_breaker_holds_back_burns_no_delivery(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    """What had been asked for is kept as work in progress, far beyond the broker's patience; the rest stays there."""
    await impatient(stand, vendor)
    guard = {"attempts": 9, "wait_first": 0.01, "breaker_failures": 2, "breaker_reset": 2.0}
    for number in range(5):
        await stand.command(vendor, orders.reserve(f"sub-{number}"), f"{vendor}.r{number}")
    spoke = await run_spoke(vendor, {"faults": [{"do": "retry", "times": 2}]}, guard=guard, progress=0.1, concurrency=8)
    await until(lambda: spoke.breakers["stock"] == "open")
    await asyncio.sleep(0.2)
    for number in range(5, 12):
        await stand.command(vendor, orders.reserve(f"sub-{number}"), f"{vendor}.r{number}")
    await asyncio.sleep(1)
    info = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    assert spoke.breakers["stock"] == "open"
    assert (info.num_waiting, info.num_pending, await deliveries(stand, vendor)) == (0, 4, 8), "nothing more is pulled"
    for number in range(12):
        await stand.event(f"{vendor}.r{number}.reserved")
    await stand.settled(vendor)
    assert await deliveries(stand, vendor) == 12, "each once"


async def test_what_cannot_wait_for_an_open_breaker_is_given_up_at_once(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    guard = {"attempts": 1, "breaker_failures": 1, "breaker_reset": 60.0, "max_concurrency": 1}
    for number in (1, 2, 3):
        await stand.command(vendor, orders.reserve(f"sub-{number}"), f"{vendor}.r{number}", deadline=None if number == 1 else 20)
    spoke = await run_spoke(vendor, {"faults": [{"do": "retry", "times": 1}]}, guard=guard)
    await until(lambda: spoke.breakers["stock"] == "open")
    dead = [(await stand.event(f"{vendor}.r{number}.dead", within=10)).body for number in (2, 3)]
    assert {body.attempts for body in dead if isinstance(body, Dead)} == {1}


async def test_a_spoke_stops_at_once_though_its_breaker_is_open(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    """What waited for the breaker goes back, and the next start has it within seconds."""
    guard = {"attempts": 1, "breaker_failures": 1, "breaker_reset": 60.0}
    first = await run_spoke(vendor, {"faults": [{"do": "retry", "times": 1}]}, guard=guard)
    await stand.command(vendor, orders.reserve("sub-0"), f"{vendor}.r0", deadline=None)
    await until(lambda: first.breakers["stock"] == "open")
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r1", deadline=None)
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await first.stop()
    assert time.monotonic() - began < 10
    await run_spoke(vendor)
    for number in range(2):
        await stand.event(f"{vendor}.r{number}.reserved", within=15)
