"""What a vendor says that it should not: nothing changes, and it is kept for triage."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import nats
import pytest_asyncio
from nats.aio.client import Client
from nats.js.errors import NoStreamResponseError

from hub.runtime import steps
from hub.runtime.steps import Step
from tests.world import World
from vendor_sdk import messages


@pytest_asyncio.fixture(scope="module")
async def acme(world: World) -> AsyncGenerator[Client]:
    """A connection as acme's own account, as a hostile vendor would have it."""
    client = await nats.connect(world.nats.url, nkeys_seed_str=world.seeds["acme"])
    yield client
    await client.close()


numbers = itertools.count()


async def tell(client: Client, subject: str, body: Any, **headers: str) -> None:
    named = {"Nats-Msg-Id": f"msg-{next(numbers)}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    for _ in range(50):  # the worker may just be making the streams
        with contextlib.suppress(NoStreamResponseError):
            await client.jetstream().publish(subject, data, headers=named, timeout=5)
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody takes {subject}")


async def letters(world: World, count: int) -> list[dict[str, Any]]:
    """The newest dead letters from acme, once there are `count` of them."""
    mine: list[dict[str, Any]] = []
    for _ in range(100):
        found = (await world("olga", "GET", "/v1/admin/dead-letters?limit=100")).json()["data"]
        mine = [letter for letter in found if letter["target"] == "acme"]
        if len(mine) >= count:
            return mine
        await asyncio.sleep(0.05)
    raise AssertionError(f"{len(mine)} of {count} dead letters")


async def asked(world: World, order_id: str, kind: str) -> Step:
    async with world.wiring.database.reading() as tx:
        return next(step for step in await steps.of_saga(tx, order_id) if step.kind == kind)


async def test_nonsense_is_kept_and_changes_nothing(world: World, acme: Client) -> None:
    before = len((await world("olga", "GET", "/v1/admin/dead-letters?limit=100")).json()["data"])
    assert before == 0
    await tell(acme, "evt.stock.reserved", b"\xff\xfenot json", Mk_Event_Id="e1", Mk_Cmd_Id="c1")
    await tell(acme, "evt.stock.stolen", {"sub_order_id": "x"}, Mk_Event_Id="e2", Mk_Cmd_Id="c2")
    await tell(acme, "evt.stock.reserved", {"sub_order_id": "x", "gift": True}, Mk_Event_Id="e3", Mk_Cmd_Id="c3")
    await tell(acme, "evt.stock.reserved", {"sub_order_id": "x"}, Mk_Cmd_Id="c4")
    await tell(acme, "evt.stock.reserved", {"sub_order_id": "x"}, Mk_Event_Id="e5", Mk_Cmd_Id="c5", Mk_Schema="99")
    await tell(acme, "evt.bolt.stock.reserved", {"sub_order_id": "x"}, Mk_Event_Id="e6", Mk_Cmd_Id="c6")
    await tell(acme, "evt.stock.reserved", {"sub_order_id": "x"}, Mk_Event_Id="e7", Mk_Cmd_Id="cmd_forged")
    await tell(acme, "evt.stock.refused", b'{"sub_order_id":"x","reason":"no","detail":"\\u0000"}', Mk_Event_Id="e8", Mk_Cmd_Id="c8")
    found = await letters(world, 8)
    assert sorted(letter["reason"] for letter in found) == ["foreign"] + ["malformed"] * 7
    assert {letter["source"] for letter in found} == {"event"}
    assert any("gift" in letter["detail"] for letter in found)


async def test_a_vendor_cannot_answer_for_another(world: World, acme: Client) -> None:
    placed = await world.place(("bolt", "pending", 1))
    await world.until(placed["id"], "routed")
    step = await asked(world, placed["id"], "orders.submit")
    known = len(await letters(world, 0))
    sub = placed["sub_orders"][0]["id"]
    await tell(acme, "evt.orders.accepted", {"sub_order_id": sub}, Mk_Event_Id="steal", Mk_Cmd_Id=step.id)
    assert (await letters(world, known + 1))[0]["reason"] == "foreign"
    assert (await world("ada", "GET", f"/v1/orders/{placed['id']}")).json()["state"] == "routed"
    await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")
    await world.settled(placed["id"])


async def test_an_answer_to_another_question_is_refused(world: World, acme: Client) -> None:
    placed = await world.place(("acme", "pending", 1))
    other = await world.place(("acme", "mug", 1))
    await world.until(placed["id"], "routed")
    step = await asked(world, placed["id"], "orders.submit")
    known = len(await letters(world, 0))
    await tell(acme, "evt.stock.reserved", {"sub_order_id": step.subject_id}, Mk_Event_Id="w1", Mk_Cmd_Id=step.id)
    await tell(acme, "evt.orders.accepted", {"sub_order_id": other["sub_orders"][0]["id"]}, Mk_Event_Id="w2", Mk_Cmd_Id=step.id)
    await letters(world, known + 2)
    assert (await world("ada", "GET", f"/v1/orders/{placed['id']}")).json()["state"] == "routed"
    await tell(acme, "evt.orders.accepted", {"sub_order_id": step.subject_id}, Mk_Event_Id="right", Mk_Cmd_Id=step.id)
    await world.until(placed["id"], "completed")


async def test_the_same_answer_many_times_counts_once(world: World, acme: Client) -> None:
    placed = await world.place(("acme", "pending", 1))
    await world.until(placed["id"], "routed")
    step = await asked(world, placed["id"], "orders.submit")
    for attempt in range(5):
        headers = {"Nats-Msg-Id": f"again-{attempt}", messages.EVENT_ID: "the-one", messages.COMMAND_ID: step.id}
        await acme.jetstream().publish("evt.orders.accepted", msgspec.json.encode({"sub_order_id": step.subject_id}), headers=headers)
    await world.until(placed["id"], "completed")
    story = await world.story(placed["id"])
    assert story.count("sub_order.accept") == 1
    assert story.count("payment.capture") == 1
    assert await world.breaches() == []
