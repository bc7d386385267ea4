"""What cannot be applied, set up or answered is put aside, and what comes after it goes on."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from nats.js.api import AckPolicy, RetentionPolicy, StreamConfig
from sqlalchemy import text

from hub.runtime import steps, topology
from hub.runtime.steps import NewStep
from hub.worker.listen import Listener
from tests.sandbox.controls import turn
from tests.world import ALL, Building, World
from vendor_sdk import subjects


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """Two vendors with spokes, and a worker with room for two things at once."""
    async with Building(database_url, scratch / "no-other", {"acme": ALL, "bolt": ALL}, worker__concurrency="2") as built:
        yield built


async def test_a_payment_provider_that_hangs_holds_up_no_vendor(world: World) -> None:
    """The orders' reservations go out and come back while every call to the provider hangs."""
    await turn(world.sandbox, "faults", {"match": "POST /v1/payment_intents", "mode": "hang_before", "times": 50})
    first = [await world.place(("acme", "mug", 1)) for _ in range(4)]
    for placed in first:
        await world.until(placed["id"], "reserved")
    await asyncio.sleep(1)
    later = await world.place(("bolt", "book", 1))
    await world.until(later["id"], "reserved", seconds=3)
    await turn(world.sandbox, "faults", method="DELETE")
    for placed in (*first, later):
        assert (await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")).status_code == 200


async def test_what_is_acknowledged_leaves_the_broker(world: World) -> None:
    """Or a busy vendor's stream would be full of what is long done, and nothing more could be said to it."""
    placed = await world.place(("acme", "mug", 1))
    await world.until(placed["id"], "completed")
    await world.settled(placed["id"])
    left: list[int] = []
    for _ in range(100):
        infos = [
            await world.wiring.bus.js.stream_info(stream) for stream in (subjects.command_stream("acme"), subjects.event_stream("acme"))
        ]
        left = [info.state.messages for info in infos]
        if left == [0, 0]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(left)


async def test_a_stream_of_an_older_make_is_made_anew(world: World) -> None:
    js = world.wiring.bus.js
    older = StreamConfig(name="CMD_zeta", subjects=["cmd.zeta.>"], retention=RetentionPolicy.LIMITS, duplicate_window=120)
    await js.add_stream(older)
    await asyncio.gather(*(topology.ensure_vendor(js, "zeta") for _ in range(3)))
    assert (await js.stream_info("CMD_zeta")).config.retention == RetentionPolicy.WORK_QUEUE


async def test_a_consumer_of_an_older_make_gives_way_and_loses_nothing(world: World) -> None:
    """One consumer of all areas, as it was once; what it had not acknowledged goes to the new ones."""
    js = world.wiring.bus.js
    stream = next(config for config in topology.streams("eta") if config.name == "CMD_eta")
    await js.add_stream(stream)
    await js.add_consumer("CMD_eta", durable_name="spoke", filter_subject="cmd.eta.>", ack_policy=AckPolicy.EXPLICIT)
    await js.publish("cmd.eta.stock.release", b"{}")
    await asyncio.gather(*(topology.ensure_vendor(js, "eta") for _ in range(3)))
    assert {info.name: info.num_pending for info in await js.consumers_info("CMD_eta")} == {
        subjects.spoke_consumer("stock"): 1,
        subjects.spoke_consumer("orders"): 0,
        subjects.spoke_consumer("shipping"): 0,
        subjects.spoke_consumer("returns"): 0,
    }


async def test_one_vendor_without_streams_leaves_the_others_heard(world: World) -> None:
    """Its subjects are taken by another stream, so its own can never be made."""
    js = world.wiring.bus.js
    await js.add_stream(StreamConfig(name="SQUATTER", subjects=["cmd.aaa.>"]))
    async with world.wiring.database.tx() as tx:
        await tx.execute(text("INSERT INTO vendors (code, name, country, nkey_public) VALUES ('aaa', 'Aaa', 'DE', 'U')"))
    listener = Listener(world.wiring)
    await listener.once()
    assert listener.hearing_since is not None, "it got to the end of its round"
    await listener.stop()
    await js.delete_stream("SQUATTER")


async def test_a_message_that_can_never_be_applied_is_put_aside(world: World) -> None:
    """An answer to a step whose order does not exist: asked again and again, it would come again and again."""
    async with world.wiring.database.tx() as tx:
        new = NewStep(kind="stock.release", target="acme", saga_id="ord_nowhere", subject_id="sub_nowhere", payload={}, after=3600)
        [step_id] = await steps.add(tx, new)
    js = world.wiring.bus.js
    headers = {"Mk-Event-Id": "hopeless", "Mk-Cmd-Id": step_id}
    await js.publish("evt.acme.stock.released", msgspec.json.encode({"sub_order_id": "sub_nowhere"}), headers=headers)
    found: list[dict[str, Any]] = []
    for _ in range(400):
        letters = (await world("olga", "GET", "/v1/admin/dead-letters")).json()["data"]
        found = [letter for letter in letters if letter["reason"] == "not_applicable"]
        if found:
            break
        await asyncio.sleep(0.1)
    assert [(letter["target"], letter["kind"]) for letter in found] == [("acme", "stock.released")]
    async with world.wiring.database.tx() as tx:
        await steps.cancel_open(tx, "ord_nowhere", "stock.release")


async def test_an_advisory_of_a_message_that_is_gone_is_let_go(world: World) -> None:
    js = world.wiring.bus.js
    advisory = {"type": "io.nats.jetstream.advisory.v1.max_deliver", "stream": "CMD_acme", "stream_seq": 10**9, "deliveries": 6}
    await js.publish("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.CMD_acme.spoke", msgspec.json.encode(advisory))
    for _ in range(100):
        info = await js.consumer_info(subjects.ADVISORY_STREAM, subjects.CONSUMER_HUB)
        if info.num_pending == info.num_ack_pending == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it comes again and again")
