"""The broker has had what a client said."""

import asyncio
import contextlib
import re
from pathlib import Path

import nats

from hub.embedded.nats import Nats
from tests.broker import sent

ONE_FLUSH = re.compile(r"await [\w.]+\.flush\(")


async def test_the_last_ping_comes_after_all_that_was_said_before(scratch: Path):
    server = Nats(scratch / "nats-sent", "")
    server.start()
    said = bytearray()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: bytearray) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                note += data
                writer.write(data)
        writer.close()

    async def between(client_says: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        broker_says, to_broker = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(carry(client_says, to_broker, said), carry(broker_says, to_client, bytearray()))

    async with await asyncio.start_server(between, "127.0.0.1", 0) as line:
        client = await nats.connect(f"nats://127.0.0.1:{line.sockets[0].getsockname()[1]}")
        for turn in range(20):
            await client.subscribe(f"beat.{turn}")
            await client.publish(f"tell.{turn}", b"")
            await sent(client)
            last = said.rindex(b"PING\r\n")
            assert f"SUB beat.{turn} ".encode() in said[:last]
            assert f"PUB tell.{turn} ".encode() in said[:last]
        await client.close()
    server.stop()


def test_no_test_believes_a_single_flush():
    tests = Path(__file__).parent
    found = [str(path) for path in tests.rglob("*.py") if path != tests / "broker.py" and ONE_FLUSH.search(path.read_text())]
    assert not found, "use tests.broker.sent"
