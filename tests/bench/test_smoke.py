"""A tiny real run, so that the benchmark cannot rot: not timed, but everything that a figure rests on is checked."""

import subprocess
import sys
from collections.abc import AsyncGenerator

import msgspec
import pytest
import pytest_asyncio

from tests.bench import copies, placed
from tests.bench.bare import ratio_at_best, request_seconds
from tests.bench.ground import Ground, Trade, check_laws, ground
from tests.bench.load.bear import LoadFailed, bear
from tests.bench.load.wire import Answer, answer, request
from tests.bench.load.work import Work
from tests.bench.pace import QUICK
from tests.bench.parts import placing
from tests.bench.placed import Miscounted
from tests.bench.rounds import beside
from tests.bench.usage import cpu_seconds

TINY = msgspec.structs.replace(QUICK, seconds=0.2, skus=30)


@pytest_asyncio.fixture(scope="module")
async def tiny() -> AsyncGenerator[Ground]:
    """Servers of its own, as the benchmark has them."""
    with ground(TINY) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def trade(tiny: Ground) -> AsyncGenerator[Trade]:
    """A market with an API."""
    async with tiny.trade("bench_smoke") as opened:
        yield opened


async def test_placing_is_measured_beside_pgbench(tiny: Ground) -> None:
    pairs = (await placing.compare(tiny, [2]))[2]
    figures = [beside(pairs, script, 2) for script in placing.SCRIPTS]
    for each in figures:
        assert each.ratio == pytest.approx(each.per_second / each.limit_per_second)  # of one round
        assert 0 < each.p50_ms <= each.p99_ms
        assert 0 < each.limit_p50_ms <= each.limit_p99_ms
        assert each.api_cores > 0
        assert each.resident_mib > 50
        assert ratio_at_best(pairs, each.limit, 1, await request_seconds(tiny)) > each.ratio


async def test_a_wrong_answer_ends_the_run(trade: Trade) -> None:
    unknown = [(trade.market.key(0), "quo_unknown")]
    with pytest.raises(LoadFailed, match="404"):
        await bear(Work(ports=trade.api.ports, connections=1, journey="place", given=unknown))


async def test_what_was_answered_but_not_written_is_noticed(trade: Trade) -> None:
    before = await placed.tally(trade.database)
    given = await trade.quotes.copies(3)
    heard = await bear(Work(ports=trade.api.ports, connections=2, journey="place", given=given, per_second=50))
    assert (len(heard.ids), heard.left, heard.calls) == (3, 0, 3)
    assert heard.seconds >= 2 / 50  # the third is due then
    await placed.check(trade.database, before, heard.ids, lines=3)
    for claimed in (heard.ids[:2], [*heard.ids, "ord_invented"], [*heard.ids[:2], heard.ids[0]]):
        with pytest.raises(Miscounted):
            await placed.check(trade.database, before, claimed, lines=3)


async def test_copies_of_an_order_are_orders_and_break_no_law(tiny: Ground, trade: Trade) -> None:
    before = await placed.tally(trade.database)
    (order,) = (await bear(Work(ports=trade.api.ports, connections=1, journey="buy", given=trade.market.wanted(0, 1)))).ids
    await copies.multiply(tiny.server.url_of("bench_smoke"), order, 20)
    after = await placed.tally(trade.database)
    assert (after.orders - before.orders, after.sub_orders - before.sub_orders, after.lines - before.lines) == (21, 63, 63)
    assert (after.reserved - before.reserved, after.keys - before.keys) == (63, 21)
    await check_laws(trade.database)


def test_the_time_of_children_that_have_ended_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}]); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        used = cpu_seconds(parent.pid)
        parent.kill()
    assert 0.2 <= used < 10


def test_an_answer_may_come_in_pieces() -> None:
    whole = b"HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nx: y\r\n\r\nhello"
    assert {answer(whole[:length]) for length in range(len(whole))} == {None}
    assert answer(whole) == Answer(201, b"hello")
    with pytest.raises(ValueError, match="without content-length"):
        answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


def test_a_request_is_whole() -> None:
    sent = request("POST", "/v1/orders", "key", {"a": 1}, once="k")
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/orders HTTP/1.1",
        b"Host: bench",
        b"Authorization: Bearer key",
        b"Idempotency-Key: k",
        b"Content-Type: application/json",
        b"Content-Length: 7",
    ]
    assert body == b'{"a":1}'
    assert request("GET", "/").endswith(b"\r\n\r\n")
