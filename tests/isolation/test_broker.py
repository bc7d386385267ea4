"""A hostile vendor at the broker, with the hub at work: nothing heard, nothing moved, and what it claims of others recorded."""

# nats-py leaves its options untyped
# pyright: reportUnknownMemberType=false

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import text

from hub.runtime import steps
from hub.runtime.steps import Step
from tests.broker import sent
from tests.world import ALL, Building, World
from vendor_sdk import messages, subjects

numbers = itertools.count()
QUIET_SECONDS = 0.3

EVERYWHERE = (
    ">",
    "*",
    "*.*",
    "*.*.*",
    "cmd.>",
    "evt.>",
    "hb.>",
    "rpc.>",
    "hub.>",
    "dlq.>",
    "$JS.>",
    "$SYS.>",
    "_INBOX.>",
    "_R_.>",
    "JSHUB.>",
)

API = (
    "INFO",
    "ACCOUNT.INFO",
    "STREAM.NAMES",
    "STREAM.LIST",
    "STREAM.CREATE.STOLEN",
    "STREAM.UPDATE.CMD_bolt",
    "STREAM.INFO.CMD_bolt",
    "STREAM.DELETE.CMD_bolt",
    "STREAM.PURGE.CMD_bolt",
    "STREAM.PURGE.EVT_bolt",
    "STREAM.MSG.GET.CMD_bolt",
    "STREAM.MSG.DELETE.CMD_bolt",
    "STREAM.SNAPSHOT.CMD_bolt",
    "DIRECT.GET.CMD_bolt",
    "DIRECT.GET.CMD_bolt.cmd.bolt.orders.submit",
    "CONSUMER.NAMES.CMD_bolt",
    "CONSUMER.LIST.CMD_bolt",
    "CONSUMER.CREATE.CMD_bolt.spy",
    "CONSUMER.DURABLE.CREATE.CMD_bolt.spy",
    "CONSUMER.INFO.CMD_bolt.spoke-orders",
    "CONSUMER.DELETE.CMD_bolt.spoke-orders",
    "CONSUMER.PAUSE.CMD_bolt.spoke-orders",
    "CONSUMER.MSG.NEXT.CMD_bolt.spoke-orders",
    "CONSUMER.MSG.NEXT.CMD_bolt.spoke-stock",
    "CONSUMER.MSG.NEXT.EVT_bolt.hub",
    "CONSUMER.MSG.NEXT.EVT_acme.hub",
    "STREAM.DELETE.CMD_acme",
    "STREAM.PURGE.EVT_acme",
    "CONSUMER.DELETE.CMD_acme.spoke-stock",
    "CONSUMER.DURABLE.CREATE.CMD_acme.spy",
    "CONSUMER.CREATE.EVT_acme.spy",
)
"""Of JetStream, of others' streams and of its own: none of it is a vendor's to ask."""

TARGETS = (
    "$JS.API.STREAM.PURGE.CMD_bolt",
    "$JS.API.STREAM.DELETE.EVT_bolt",
    "$JS.API.CONSUMER.DELETE.CMD_bolt.spoke-orders",
    "evt.bolt.orders.accepted",
    "cmd.bolt.orders.submit",
    "hb.bolt",
    "$JS.ACK.CMD_bolt.spoke-orders.1.1.1.1.0",
)
"""Where a reply would do harm, were it sent with the hub's rights."""


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """Bolt works; acme's seed is in hostile hands, and no spoke of ours uses it."""
    async with Building(database_url, scratch / "hostile", {"acme": (), "bolt": ALL}, orders__reserve_seconds="30") as built:
        yield built


@pytest_asyncio.fixture(scope="module")
async def acme(world: World) -> AsyncGenerator[Client]:
    """Acme's own account, used by an enemy."""
    client = await nats.connect(world.nats.url, nkeys_seed_str=world.seeds["acme"])
    for _ in range(100):  # until the hub has made acme's streams
        try:
            await client.jetstream(timeout=1).publish("evt.shipping.pending", b"{}", headers={"Nats-Msg-Id": "first"})
            break
        except NatsError:
            await asyncio.sleep(0.1)
    yield client
    await client.close()


def hub_side(world: World) -> JetStreamContext:
    return world.wiring.bus.js


async def streams(world: World) -> dict[str, Any]:
    """All that JetStream holds in the hub's account, and how far everybody is."""
    js = hub_side(world)
    found: dict[str, Any] = {}
    for info in await js.streams_info():
        name = str(info.config.name)
        known = sorted(await js.consumers_info(name), key=lambda consumer: consumer.name)
        found[name] = (
            info.config.subjects,
            info.state.last_seq if "bolt" in name else None,
            [(each.name, each.num_ack_pending, each.num_pending) for each in known if "bolt" in name],
            [each.name for each in known],
        )
    return found


async def quiet(world: World) -> dict[str, Any]:
    """The same, once nothing moves any more."""
    before = await streams(world)
    while (now := await streams(world)) != before:
        before = now
        await asyncio.sleep(0.1)
    return now


async def attempts(world: World) -> dict[str, int]:
    async with world.wiring.database.reading() as tx:
        rows = await tx.rows(text("SELECT what, attempts FROM trespasses WHERE who LIKE '%acme'"))
    return {row.what: row.attempts for row in rows}


async def attempted(world: World, number: int) -> None:
    """Wait until so many events are recorded."""
    async with asyncio.timeout(10):
        while (await attempts(world)).get("event", 0) < number:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.05)
    assert (await attempts(world))["event"] == number


async def heard(world: World, vendor: str) -> dict[str, Any]:
    """What is known of a vendor's spoke, once it has been heard."""
    async with asyncio.timeout(20):
        while not (found := (await world("olga", "GET", f"/v1/admin/vendors/{vendor}/liveness")).json())["sdk_version"]:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.1)
    return found


async def step_of(world: World, order_id: str, kind: str) -> Step:
    async with world.wiring.database.reading() as tx:
        return next(step for step in await steps.of_saga(tx, order_id) if step.kind == kind)


async def tell(client: Client, kind: str, body: Any, **headers: str) -> None:
    named = {"Nats-Msg-Id": f"hostile-{next(numbers)}", "Mk-Event-Id": f"e-{next(numbers)}"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    await client.jetstream(timeout=5).publish(f"evt.{kind}", json.dumps(body).encode(), headers=named)


async def test_who_listens_to_everything_hears_nothing_of_others(world: World, acme: Client):
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    for subject in EVERYWHERE:
        await acme.subscribe(subject, cb=hear)
    await sent(acme)
    placed = await world.place(("bolt", "mug", 1))
    await world.until(placed["id"], "completed")
    await world.settled(placed["id"])
    await acme.publish("heard", b"of its own")
    await sent(acme)
    await asyncio.sleep(QUIET_SECONDS)
    assert {message.subject for message in heard} == {"heard"}, "its own words alone come back"
    told = [message for message in heard if placed["id"].encode() in message.data or b"bolt" in message.data]
    assert told == []


@pytest.mark.parametrize("prefix", ["$JS.API", subjects.SPOKE_JETSTREAM_PREFIX, "$JS.hub.API", "$JS.HUB.API"])
async def test_jetstream_answers_a_vendor_nothing(world: World, acme: Client, prefix: str):
    before = await quiet(world)

    async def ask(name: str) -> bytes | None:
        try:
            return (await acme.request(f"{prefix}.{name}", b'{"batch": 1, "seq": 1, "expires": 100000000}', timeout=QUIET_SECONDS)).data
        except (NatsError, TimeoutError):
            return None

    answers = dict(zip(API, await asyncio.gather(*(ask(name) for name in API)), strict=True))
    told = {name: answer for name, answer in answers.items() if answer is not None and b'"error"' not in answer}
    assert told == {}
    assert await quiet(world) == before


async def test_a_crafted_reply_moves_nothing(world: World, acme: Client):
    before = await quiet(world)
    for target in TARGETS:
        for subject in ("evt.orders.accepted", "hb", "rpc.quote", "JSHUB.CONSUMER.MSG.NEXT.CMD_acme.spoke-orders"):
            body = b'{"batch": 1, "no_wait": true}' if "JSHUB" in subject else b"{}"
            await acme.publish(subject, body, reply=target, headers={"Nats-Msg-Id": f"crafted-{next(numbers)}"})
    await sent(acme)
    await asyncio.sleep(QUIET_SECONDS)
    assert await quiet(world) == before


async def test_a_pull_with_a_crafted_reply_moves_only_the_vendors_own(world: World, acme: Client):
    before = await quiet(world)
    await hub_side(world).publish("cmd.acme.orders.submit", b"of acme", headers={"Nats-Msg-Id": "own"})
    for target in TARGETS:
        await acme.publish("JSHUB.CONSUMER.MSG.NEXT.CMD_acme.spoke-orders", b'{"batch": 1, "expires": 200000000}', reply=target)
    await sent(acme)
    await asyncio.sleep(QUIET_SECONDS)
    assert await quiet(world) == before


async def test_nobody_acknowledges_anothers_commands(world: World, acme: Client):
    placed = await world.place(("bolt", "silent", 1))
    js, stream, consumer = hub_side(world), subjects.command_stream("bolt"), subjects.spoke_consumer("stock")
    async with asyncio.timeout(10):
        while (info := await js.consumer_info(stream, consumer)).num_ack_pending != 1:  # noqa: ASYNC110  # the broker tells nobody
            await asyncio.sleep(0.05)
    assert info.delivered is not None
    of = f"{info.delivered.stream_seq}.{info.delivered.consumer_seq}"
    for word in (b"+ACK", b"+TERM", b'-NAK {"delay": 1}', b""):
        for times in (1, 2):
            await acme.publish(f"$JS.ACK.{stream}.{consumer}.{times}.{of}.1.0", word)
    await sent(acme)
    await asyncio.sleep(QUIET_SECONDS)
    assert (await js.consumer_info(stream, consumer)).num_ack_pending == 1
    await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")


async def test_what_is_claimed_of_others_changes_nothing_and_is_recorded(world: World, acme: Client):
    placed = await world.place(("bolt", "pending", 1))
    own = await world.place(("acme", "mug", 1))
    await world.until(placed["id"], "routed")
    await world.until(own["id"], "routed")
    step, ours = await step_of(world, placed["id"], "orders.submit"), await step_of(world, placed["id"], "payment.authorize")
    mine = await step_of(world, own["id"], "orders.submit")
    sub = placed["sub_orders"][0]["id"]
    known = (await attempts(world)).get("event", 0)
    dead = {"command_kind": "orders.submit", "error": "x", "detail": "", "attempts": 1, "payload": ""}
    await tell(acme, "orders.accepted", {"sub_order_id": sub}, Mk_Cmd_Id=step.id)
    await tell(acme, "orders.declined", {"sub_order_id": sub, "reason": "no"}, Mk_Cmd_Id=step.id)
    await tell(acme, "orders.accepted", {"sub_order_id": sub}, Mk_Cmd_Id=mine.id)
    await tell(acme, "shipping.shipped", {"sub_order_id": sub, "parcels": [{"carrier": "x", "tracking_number": "1"}]}, Mk_Cmd_Id=step.id)
    await tell(acme, "spoke.dead", dead, Mk_Cmd_Id=step.id)
    await tell(acme, "orders.accepted", {"sub_order_id": placed["id"]}, Mk_Cmd_Id=ours.id)
    await attempted(world, known + 6)
    await tell(acme, "bolt.orders.accepted", {"sub_order_id": sub}, Mk_Cmd_Id=step.id)
    await tell(acme, "orders.accepted", {"sub_order_id": sub}, Mk_Cmd_Id="cmd_of_nobody")
    await asyncio.sleep(QUIET_SECONDS)
    assert (await attempts(world))["event"] == known + 6, "a command that never was is nobody's"
    assert (await world("ada", "GET", f"/v1/orders/{placed['id']}")).json()["state"] == "routed"
    for order in (placed, own):
        await world("ada", "POST", f"/v1/orders/{order['id']}/cancel")
        await world.settled(order["id"])


async def test_nobody_beats_or_answers_for_another(world: World, acme: Client):
    before = await heard(world, "bolt")
    beat = messages.Heartbeat(
        boot_id="forged", version="9.9", capabilities=["stock"], breakers={"stock": "open"}, in_flight=0, oldest_command_age=0
    )
    for subject in ("hb.bolt", "evt.bolt", "hb.acme", "hub.wake", "hub.changed.x"):
        await acme.publish(subject, messages.encode(beat))
    with pytest.raises(NatsError):
        await acme.request("rpc.bolt.quote", b"{}", timeout=QUIET_SECONDS)
    await sent(acme)
    await asyncio.sleep(2.5)  # a round of those who feel the pulse
    after = (await world("olga", "GET", "/v1/admin/vendors/bolt/liveness")).json()
    assert (after["sdk_version"], after["breakers"]) == (before["sdk_version"], before["breakers"])


async def test_after_all_that_the_books_and_the_laws_hold(world: World):
    placed = await world.place(("bolt", "mug", 2))
    await world.until(placed["id"], "completed")
    await world.settled(placed["id"])
    assert await world.breaches() == []
