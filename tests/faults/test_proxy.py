"""The proxy itself: what it lets pass, what it holds, and that each trap springs where and as often as it says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from tests.faults.proxy import LOOPBACK, Moment, Proxy, Trap


@dataclass
class Echo:
    """A server that notes each line and says it back in capitals."""

    heard: list[bytes] = field(default_factory=list[bytes])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line.upper())
        writer.close()


@dataclass
class Stand:
    echo: Echo
    proxy: Proxy

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator["Caller"]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.proxy.port)
        try:
            yield Caller(reader, writer)
        finally:
            writer.transport.abort()


@dataclass
class Caller:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *words: bytes) -> bytes:
        """The answer to the last word; empty when the connection is gone."""
        answer = b""
        for word in words:
            try:
                self.writer.write(word + b"\n")
                answer = await asyncio.wait_for(self.reader.readline(), 0.5)
            except ConnectionError:
                return b""
        return answer


@pytest_asyncio.fixture
async def stand() -> AsyncIterator[Stand]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, LOOPBACK, 0)
    proxy = await Proxy(server.sockets[0].getsockname()[1]).start()
    yield Stand(echo, proxy)
    await proxy.stop()
    server.close()
    await server.wait_closed()


async def test_what_no_trap_names_passes_whole(stand: Stand) -> None:
    big = b"x" * 60_000
    async with stand.call() as caller:
        assert await caller.say(b"one", big) == big.upper() + b"\n"


async def test_before_means_it_never_arrives(stand: Stand) -> None:
    done: list[int] = []
    trap = stand.proxy.trap(Trap(rb"commit", lambda: done.append(1), skip=1))
    async with stand.call() as caller:
        assert await caller.say(b"commit 1") == b"COMMIT 1\n"
        assert await caller.say(b"commit 2") == b""
    assert stand.echo.heard == [b"commit 1\n"]
    assert (done, trap.seen, trap.struck) == ([1], 2, 1)
    async with stand.call() as caller:
        assert await caller.say(b"commit 3") == b"COMMIT 3\n", "it strikes as often as it says"


async def test_answered_means_done_but_never_told(stand: Stand) -> None:
    trap = stand.proxy.trap(Trap(rb"commit", moment=Moment.ANSWERED))
    async with stand.call() as caller:
        assert await caller.say(b"commit") == b""
    assert stand.echo.heard == [b"commit\n"]
    assert trap.struck == 1


async def test_after_means_it_was_handed_on(stand: Stand) -> None:
    seen: list[int] = []
    stand.proxy.trap(Trap(rb"commit", lambda: seen.append(1), Moment.AFTER))
    async with stand.call() as caller:
        assert await caller.say(b"commit") == b""
    await asyncio.sleep(0.05)
    assert stand.echo.heard == [b"commit\n"]
    assert seen == [1]


async def test_a_trap_that_spares_the_connection_lets_it_go_on(stand: Stand) -> None:
    seen: list[int] = []
    stand.proxy.trap(Trap(rb"TWO", lambda: seen.append(1), inward=True, spares=True))
    missed = stand.proxy.trap(Trap(rb"one", lambda: False, spares=True))
    async with stand.call() as caller:
        assert await caller.say(b"one", b"two", b"three") == b"THREE\n"
    assert seen == [1]
    assert (missed.seen, missed.struck) == (1, 0), "what hit nothing does not count"


async def test_a_pattern_split_over_two_writes_is_met_once(stand: Stand) -> None:
    trap = stand.proxy.trap(Trap(rb"commit", spares=True, times=9))
    async with stand.call() as caller:
        caller.writer.write(b"com")
        await caller.writer.drain()
        await asyncio.sleep(0.05)
        assert await caller.say(b"mit") == b"COMMIT\n"
        await caller.say(b"next")
    assert trap.struck == 1


async def test_a_black_hole_closes_nothing_and_gives_everything_back(stand: Stand) -> None:
    async with stand.call() as caller:
        await caller.say(b"one")
        stand.proxy.black_hole()
        with pytest.raises(TimeoutError):
            await caller.say(b"two")
        assert stand.echo.heard == [b"one\n"]
        stand.proxy.flow()
        assert await caller.reader.readline() == b"TWO\n"
    assert stand.proxy.swallowed == 1


async def test_a_connection_that_is_swallowed_is_dead_and_a_new_one_lives(stand: Stand) -> None:
    async with stand.call() as caller:
        await caller.say(b"one")
        assert stand.proxy.swallow() == 1
        with pytest.raises(TimeoutError):
            await caller.say(b"two")
        async with stand.call() as other:
            assert await other.say(b"three") == b"THREE\n"
    assert stand.echo.heard == [b"one\n", b"three\n"]


async def test_a_rate_leaves_some_out(stand: Stand) -> None:
    trap = stand.proxy.trap(Trap(rb"word", spares=True, times=1000, rate=0.3))
    async with stand.call() as caller:
        for _ in range(100):
            await caller.say(b"word")
    assert 10 < trap.struck < 60
    assert trap.seen == 100


async def test_cut_and_refused(stand: Stand) -> None:
    async with stand.call() as caller:
        await caller.say(b"one")
        assert stand.proxy.cut_all() == 1
        assert await caller.say(b"two") == b""
    stand.proxy.refuses = True
    async with stand.call() as caller:
        assert await caller.say(b"three") == b""
    assert stand.proxy.connections == 2
    assert stand.echo.heard == [b"one\n"]


async def test_a_delay_is_as_long_as_it_says(stand: Stand) -> None:
    stand.proxy.delay = 0.1
    begun = asyncio.get_running_loop().time()
    async with stand.call() as caller:
        await caller.say(b"one")
    assert asyncio.get_running_loop().time() - begun >= 0.2, "there and back"
