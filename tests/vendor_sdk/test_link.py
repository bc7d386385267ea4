"""The connection: a broker that restarts, vanishes or comes late costs time, never a command; an account is a wall."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from functools import partial
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NoStreamResponseError

from hub.embedded.nkey import new_seed
from hub.runtime.topology import ensure_vendor
from tests.broker import sent
from tests.vendor_sdk import orders
from tests.vendor_sdk.conftest import RunSpoke
from tests.vendor_sdk.stand import Stand, until
from vendor_sdk import subjects
from vendor_sdk.errors import Misconfigured
from vendor_sdk.link import Link
from vendor_sdk.settings import Loaded, Nats, Secrets
from vendor_sdk.spoke import Spoke


def client_of(spoke: Spoke) -> Client:
    client = spoke._link._client  # pyright: ignore[reportPrivateUsage] - only a test needs it
    assert client
    return client


def writer_of(client: Client) -> asyncio.StreamWriter:
    transport = client._transport  # pyright: ignore[reportPrivateUsage] - there is no public way to cut the line
    return getattr(transport, "_io_writer")  # noqa: B009 - as above


def has_reconnected(client: Client, since: int) -> bool:
    return client.stats["reconnects"] > since and client.is_connected


async def test_a_killed_broker_is_found_again(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    spoke = await run_spoke(vendor, {"ship_after": 0.1, "deliver_after": None})
    await stand.command(vendor, orders.ship("sub-1"), f"{vendor}.h")
    await stand.event(f"{vendor}.h.pending")
    await asyncio.to_thread(stand.server.kill)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(stand.server.start)
    await until(lambda: stand.hub.is_connected and spoke.is_connected)
    await until(lambda: stand.stored(vendor, "shipping.shipped"), 15)
    await stand.command(vendor, orders.ship("sub-2"), f"{vendor}.h2")
    await stand.event(f"{vendor}.h2.pending")


async def test_after_a_cut_line_no_command_goes_to_the_old_one(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    """The broker lives on and would send to the pulls of the dead connection, were their inbox still listened on."""
    spoke = await run_spoke(vendor)
    for number in range(4):
        await until(lambda: spoke.is_connected)
        client = client_of(spoke)
        reconnects = client.stats["reconnects"]
        writer_of(client).transport.abort()
        await until(partial(has_reconnected, client, reconnects))
        await asyncio.sleep(0.1)
        await stand.command(vendor, orders.reserve(f"sub-{number}"), f"{vendor}.r{number}")
        await stand.event(f"{vendor}.r{number}.reserved", within=10)
    info = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    assert info.num_waiting == 1


async def test_a_lost_stream_is_pulled_again_when_it_is_back(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await stand.js.delete_stream(subjects.command_stream(vendor))
    await run_spoke(vendor)
    await asyncio.sleep(0.5)
    await ensure_vendor(stand.js, vendor)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.reserved")


async def test_a_client_closed_for_good_is_replaced(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    spoke = await run_spoke(vendor)
    await until(lambda: spoke.is_connected)
    old = client_of(spoke)
    await old.close()
    await until(lambda: spoke.is_connected and client_of(spoke) is not old)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.reserved")


async def test_a_broker_that_comes_late_is_waited_for(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    spoke = await run_spoke(vendor, nats={"url": f"nats://127.0.0.1:{port}"})
    await asyncio.sleep(0.3)
    assert not spoke.is_connected

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", stand.server.port)
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    async with await asyncio.start_server(through, "127.0.0.1", port):
        await until(lambda: spoke.is_connected)
        await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
        await stand.event(f"{vendor}.r.reserved")
        await spoke.stop()


async def test_a_seed_that_comes_late_is_waited_for_aloud(
    stand: Stand, vendor: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)  # another test's command may have silenced all but errors
    up = asyncio.Event()

    async def fresh(_: Client) -> None:
        up.set()

    async def back() -> None:
        """Nothing to do."""

    seed = tmp_path / "late.nk"
    link = Link(Nats(url=stand.server.url, seed_file=str(seed)), Secrets(), "test", fresh=fresh, back=back)
    running = asyncio.create_task(link.run(asyncio.Semaphore(1)))
    await until(lambda: "late.nk" in caplog.text)
    seed.write_text("no seed\n")
    await until(lambda: "late.nk" not in caplog.messages[-1])
    seed.write_text(stand.seeds[vendor])
    await asyncio.wait_for(up.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await link.close()


async def test_a_black_hole_is_escaped(stand: Stand, vendor: str, run_spoke: RunSpoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is stopped without a goodbye, with our bytes unsent, wedges nats-py's own reconnect."""
    watch_closely(monkeypatch)
    spoke = await run_spoke(vendor, nats={"url": stand.server.url, "ping": 0.2})
    await until(lambda: spoke.is_connected)
    pid = stand.server.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        writer = writer_of(client_of(spoke))
        for _ in range(200):
            writer.write(b"PUB x 60000\r\n" + b"x" * 60000 + b"\r\n")
        await until(lambda: writer.transport.is_closing() and writer.transport.get_write_buffer_size() == 0, 10)
    finally:
        os.kill(pid, signal.SIGCONT)
    await until(lambda: spoke.is_connected, 15)
    await answered_in_the_end(stand, vendor)


def watch_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every 0.2 s instead of every 2 s."""
    monkeypatch.setattr("vendor_sdk.link.WATCH_SECONDS", 0.2)
    monkeypatch.setattr("vendor_sdk.link.ROUND_TRIP_SECONDS", 0.3)


async def test_a_silence_that_only_a_round_trip_shows_is_noticed(
    stand: Stand, vendor: str, run_spoke: RunSpoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is unsent and nats-py's own ping is an hour off: `is_connected` would go on lying."""
    watch_closely(monkeypatch)
    spoke = await run_spoke(vendor, nats={"url": stand.server.url, "ping": 3600})
    await until(lambda: spoke.is_connected)
    client = client_of(spoke)
    reconnects = client.stats["reconnects"]
    pid = stand.server.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await until(lambda: not spoke.is_connected, 5)
        await asyncio.sleep(2)
        assert client_of(spoke) is client, "it goes on trying by itself, which is no reason to replace it"
    finally:
        os.kill(pid, signal.SIGCONT)
    await until(partial(has_reconnected, client, reconnects), 15)
    await answered_in_the_end(stand, vendor)


@pytest.mark.parametrize("dead", [["_reading_task", "_ping_interval_task"], ["_flusher_task", "_ping_interval_task"]])
async def test_a_client_that_is_dead_inside_comes_back(
    stand: Stand, vendor: str, run_spoke: RunSpoke, monkeypatch: pytest.MonkeyPatch, dead: list[str]
) -> None:
    """An exception that nats-py does not foresee ends a task of its own, and it believes in its connection for ever."""
    watch_closely(monkeypatch)
    spoke = await run_spoke(vendor)
    await until(lambda: spoke.is_connected)
    for task in dead:
        getattr(client_of(spoke), task).cancel()
    await answered_in_the_end(stand, vendor)


async def test_a_client_whose_reconnecting_has_died_is_replaced(
    stand: Stand, vendor: str, run_spoke: RunSpoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_closely(monkeypatch)
    spoke = await run_spoke(vendor)
    await until(lambda: spoke.is_connected)
    old = client_of(spoke)
    writer_of(old).transport.abort()
    await until(lambda: old.is_reconnecting)
    task = old._reconnection_task  # pyright: ignore[reportPrivateUsage] - as an exception within it would
    assert task
    task.cancel()
    await until(lambda: spoke.is_connected and client_of(spoke) is not old)
    await answered_in_the_end(stand, vendor)


async def answered_in_the_end(stand: Stand, vendor: str) -> None:
    """The broker may give the first asking to the connection it does not know to be dead; the hub asks again."""
    for attempt in range(1, 6):
        await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=attempt)
        with contextlib.suppress(TimeoutError):
            await stand.event(f"{vendor}.r.reserved", within=1)
            return
    raise AssertionError


async def test_an_account_is_a_wall(stand: Stand, folder: Path) -> None:
    """What a vendor's credentials can do: nothing to another vendor."""
    bad, good = stand.new_vendor(), stand.new_vendor()
    await stand.command(good, orders.reserve("sub-1"), f"{good}.r")
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    seed = folder / "bad.nk"
    seed.write_text(stand.seeds[bad])
    client = await nats.connect(stand.server.url, nkeys_seed=str(seed), error_cb=note)
    try:
        seen: list[str] = []

        async def see(msg: Msg) -> None:
            seen.append(msg.subject)

        await client.subscribe(">", cb=see)
        for prefix in (subjects.SPOKE_JETSTREAM_PREFIX, "$JS.API"):
            pull = f"{prefix}.CONSUMER.MSG.NEXT.{subjects.command_stream(good)}.{subjects.spoke_consumer('stock')}"
            with pytest.raises((NatsError, TimeoutError)):
                await client.request(pull, b'{"batch":1,"no_wait":true}', timeout=0.3)
        await client.jetstream().publish(f"evt.{good}.stock.reserved", b"{}")
        await client.publish(f"hb.{good}", b"{}")
        with pytest.raises((NatsError, NoStreamResponseError)):
            await client.jetstream().publish(f"cmd.{good}.stock.reserve", b"{}", timeout=0.3)
        await sent(client)
        info = await stand.js.stream_info(subjects.event_stream(good))
        assert info.state.messages == 0
        stored = await stand.js.get_last_msg(subjects.event_stream(bad), f"evt.{bad}.{good}.stock.reserved")
        assert stored.data == b"{}"
        assert not [
            subject for subject in seen if good in subject and not subject.startswith(("evt.", "hb.", "cmd.", "JSHUB.", "$JS.API."))
        ]
        waiting = await stand.js.consumer_info(subjects.command_stream(good), subjects.spoke_consumer("stock"))
        assert waiting.num_pending == 1
    finally:
        await client.close()


async def test_a_wrong_key_is_never_let_in(stand: Stand, vendor: str) -> None:
    stranger = Loaded(settings=stand.settings(vendor).settings, secrets=Secrets(seed=new_seed()))
    spoke = Spoke(stranger, stand.data)
    await spoke.start()
    await asyncio.sleep(0.5)
    assert not spoke.is_connected
    await spoke.stop()


def test_an_unknown_adapter_is_named(stand: Stand) -> None:
    with pytest.raises(Misconfigured, match="no adapter is called 'dumy'"):
        Spoke(stand.settings("vendor-0", adapter="dumy"), stand.data)


def test_a_wrong_adapter_setting_is_named(stand: Stand) -> None:
    with pytest.raises(Misconfigured, match="stok"):
        Spoke(stand.settings("vendor-0", {"stok": {}}), stand.data)
