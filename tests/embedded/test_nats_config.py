"""The broker's accounts: each vendor reaches its own commands and events and nothing else; a thousand of them fit."""

# nats-py leaves its options untyped
# pyright: reportUnknownMemberType=false

import asyncio
import itertools
import time
from pathlib import Path

import nats as nats_client
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.api import AckPolicy
from nats.js.errors import NotFoundError, ServiceUnavailableError

from hub.embedded.nats import Nats
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import new_seed, public_of
from tests.broker import sent

HUB, SYSTEM = BrokerUser(user="hub", password="h"), BrokerUser(user="sys", password="s")
SEEDS = {"acme": new_seed(), "bolt": new_seed()}


def accounts(seeds: dict[str, str]) -> list[VendorAccount]:
    return [VendorAccount(code, public_of(seed)) for code, seed in seeds.items()]


@pytest.fixture(scope="module")
def broker(scratch: Path):
    server = Nats(scratch / "nats-config", nats_config(accounts(SEEDS), hub=HUB, system=SYSTEM))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def hub(broker: Nats):
    connection = await nats_client.connect(broker.url, user="hub", password="h")
    stream = connection.jetstream()
    for code in SEEDS:
        await stream.add_stream(name=f"CMD_{code}", subjects=[f"cmd.{code}.>"])
        await stream.add_consumer(f"CMD_{code}", durable_name="spoke", ack_policy=AckPolicy.EXPLICIT)
        await stream.add_stream(name=f"EVT_{code}", subjects=[f"evt.{code}.>"])
    yield connection
    await connection.close()


async def enter(broker: Nats, seed: str) -> Client:
    return await nats_client.connect(broker.url, nkeys_seed_str=seed, inbox_prefix=b"_INBOX", allow_reconnect=False)


@pytest.fixture
async def acme(broker: Nats, hub: Client):  # noqa: ARG001 - the streams must be there first
    connection = await enter(broker, SEEDS["acme"])
    yield connection
    await connection.close()


async def test_a_vendor_pulls_its_commands_and_acknowledges_them(hub: Client, acme: Client):
    await hub.jetstream().publish("cmd.acme.stock.reserve", b"1")
    pull = await acme.jetstream(prefix="JSHUB").pull_subscribe_bind("spoke", stream="CMD_acme")
    [message] = await pull.fetch(1, timeout=5)
    await message.ack_sync()
    assert message.subject == "cmd.acme.stock.reserve"
    assert (await hub.jetstream().consumer_info("CMD_acme", "spoke")).num_ack_pending == 0


async def test_an_event_bears_the_vendor_of_the_account_that_told_it(hub: Client, acme: Client):
    receipt = await acme.jetstream().publish("evt.stock.reserved", b"1")
    assert receipt.stream == "EVT_acme"
    await acme.jetstream().publish("evt.bolt.stock.reserved", b"forged")
    last = await hub.jetstream().get_last_msg("EVT_acme", "evt.acme.bolt.stock.reserved")
    assert last.data == b"forged"
    assert (await hub.jetstream().stream_info("EVT_bolt")).state.messages == 0


async def test_heartbeats_and_questions_cross_under_the_vendors_name(hub: Client, acme: Client):
    beats = await hub.subscribe("hb.>")
    await sent(hub)

    async def answer(message: Msg) -> None:
        await message.respond(b"5.00")

    await acme.subscribe("rpc.quote", cb=answer)
    await acme.publish("hb", b"up")
    await sent(acme)
    beat = await beats.next_msg(5)
    assert (beat.subject, beat.data) == ("hb.acme", b"up")
    assert (await hub.request("rpc.acme.quote", b"", timeout=5)).data == b"5.00"
    with pytest.raises(NoRespondersError):
        await hub.request("rpc.bolt.quote", b"", timeout=5)


async def test_a_vendor_cannot_read_anothers_commands(hub: Client, acme: Client):
    await hub.jetstream().publish("cmd.bolt.stock.reserve", b"secret")
    heard: list[bytes] = []

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    await acme.subscribe(">", cb=hear)
    pull = await acme.jetstream(prefix="JSHUB").pull_subscribe_bind("spoke", stream="CMD_bolt")
    with pytest.raises((asyncio.TimeoutError, ServiceUnavailableError, NoRespondersError)):
        await pull.fetch(1, timeout=0.5)
    assert (await hub.jetstream().consumer_info("CMD_bolt", "spoke")).num_ack_pending == 0
    await sent(acme)
    assert b"secret" not in heard


async def test_a_vendor_cannot_make_the_hub_purge_a_stream_by_a_crafted_reply(hub: Client, acme: Client):
    before = (await hub.jetstream().stream_info("CMD_bolt")).state.messages
    await acme.publish("evt.stock.reserved", b"1", reply="$JS.API.STREAM.PURGE.CMD_bolt")
    await acme.publish("rpc.quote", b"1", reply="evt.bolt.stock.reserved")
    await sent(acme)
    await asyncio.sleep(0.2)
    assert (await hub.jetstream().stream_info("CMD_bolt")).state.messages == before
    assert (await hub.jetstream().stream_info("EVT_bolt")).state.messages == 0


async def test_a_vendor_has_no_streams_of_its_own(acme: Client):
    with pytest.raises((NoRespondersError, ServiceUnavailableError, NotFoundError)):
        await acme.jetstream().stream_info("EVT_acme")


async def test_a_stranger_is_refused(broker: Nats):
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    writer.write(b'CONNECT {"user":"hub","pass":"wrong","verbose":false}\r\nPING\r\n')
    said = await asyncio.wait_for(reader.read(), 5)
    assert b"Authorization Violation" in said
    writer.close()
    await writer.wait_closed()


async def test_a_new_vendor_enters_after_a_reload_and_the_others_stay(broker: Nats, hub: Client, acme: Client):
    seed = new_seed()
    broker.reload(nats_config(accounts(SEEDS | {"late": seed}), hub=HUB, system=SYSTEM))
    await hub.jetstream().add_stream(name="EVT_late", subjects=["evt.late.>"])
    late = await enter(broker, seed)
    assert (await late.jetstream().publish("evt.stock.reserved", b"1")).stream == "EVT_late"
    assert (await acme.jetstream().publish("evt.stock.reserved", b"1")).stream == "EVT_acme"
    await late.close()


async def test_a_thousand_vendors_fit_and_reload_quickly(scratch: Path):
    keys = itertools.count()
    seeds = {f"vendor-{next(keys)}": new_seed() for _ in range(1_000)}
    text = nats_config(accounts(seeds), hub=HUB, system=SYSTEM)
    assert len(text) < 1_500_000
    server = Nats(scratch / "nats-thousand", text)
    server.start()
    seed = new_seed()
    begun = time.monotonic()
    server.reload(nats_config(accounts(seeds | {"last": seed}), hub=HUB, system=SYSTEM))
    took = time.monotonic() - begun
    connection = await enter(server, seed)
    await connection.close()
    server.stop()
    assert took < 10  # 1.2 s on a quiet machine
