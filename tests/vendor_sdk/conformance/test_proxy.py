"""The proxy between an adapter and its system: passes on what it gets, fails as told, and survives what is no HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio

from tests.vendor_sdk.stand import until
from vendor_sdk.conformance.exchange import BODY_BYTES_MAX, Request, read_request, write_response
from vendor_sdk.conformance.fault import RETRY_AFTER, UNHEARD_OF, Fault
from vendor_sdk.conformance.proxy import Proxy

ANSWER = {"status": "taken", "lines": [{"status": "held"}], "more": {"state": "x"}}


@pytest_asyncio.fixture
async def got() -> list[Request]:
    """What the system was asked."""
    return []


@pytest_asyncio.fixture
async def proxy(got: list[Request]) -> AsyncIterator[Proxy]:
    """A proxy before a system that answers one thing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            got.append(request)
            await write_response(writer, 201, {"X-Shop": "corner"}, json.dumps(ANSWER).encode())
        writer.close()

    system = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = Proxy(f"http://127.0.0.1:{system.sockets[0].getsockname()[1]}/api/", status=["status"])
    yield proxy
    system.close()


Ask = Callable[..., Awaitable[httpx.Response]]


@pytest_asyncio.fixture
async def ask(proxy: Proxy) -> AsyncIterator[Ask]:
    """Asks through it, on one connection."""
    async with httpx.AsyncClient(base_url=await proxy.open(), trust_env=False) as client:

        async def ask(body: object = None, **more: object) -> httpx.Response:
            return await client.post("/orders?x=1", json=body, **more)  # pyright: ignore[reportArgumentType] - httpx's own options

        yield ask
    await proxy.close()


async def test_everything_is_passed_on(ask: Ask, got: list[Request], proxy: Proxy) -> None:
    answer = await ask({"sku": "漢字"}, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json(), answer.headers["x-shop"]) == (201, ANSWER, "corner")
    assert (got[0].method, got[0].target, got[0].headers["idempotency-key"]) == ("POST", "/api/orders?x=1", "k1")
    assert json.loads(got[0].body) == {"sku": "漢字"}
    assert "漢字" in proxy.meddler.sent[0]
    assert proxy.meddler.struck == 0


@pytest.mark.parametrize(("fault", "status"), [(Fault.RATE_LIMITED, 429), (Fault.BUSY, 503), (Fault.SIGNED_OUT, 401)])
async def test_it_answers_in_the_systems_place(ask: Ask, got: list[Request], proxy: Proxy, fault: Fault, status: int) -> None:
    proxy.meddler.fault = fault
    answer = await ask()
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == (str(RETRY_AFTER) if status == 429 else None)
    proxy.meddler.fault = None
    assert (await ask()).status_code == 201
    assert len(got) == 1


async def test_garbage_has_the_status_of_the_true_answer_and_is_never_it(ask: Ask, proxy: Proxy) -> None:
    proxy.meddler.fault = Fault.GARBAGE
    first, second = await ask(), await ask()
    assert first.status_code == second.status_code == 201
    assert first.content != second.content
    assert b"taken" not in first.content + second.content


async def test_an_unknown_status_stands_wherever_a_status_stood(ask: Ask, proxy: Proxy) -> None:
    proxy.meddler.fault = Fault.UNKNOWN_STATUS
    assert (await ask()).json() == {"status": UNHEARD_OF, "lines": [{"status": UNHEARD_OF}], "more": {"state": "x"}}
    assert proxy.meddler.struck == 1


async def test_a_cut_connection_and_a_slow_answer(ask: Ask, proxy: Proxy) -> None:
    proxy.meddler.fault = Fault.CUT
    with pytest.raises(httpx.RemoteProtocolError):
        await ask()
    proxy.meddler.fault = Fault.SLOW
    with pytest.raises(httpx.ReadTimeout):
        await ask(timeout=0.05)


async def test_closing_does_not_wait_for_the_slow(proxy: Proxy) -> None:
    async with httpx.AsyncClient(base_url=await proxy.open(), trust_env=False) as client:
        proxy.meddler.fault = Fault.SLOW
        waiting = asyncio.create_task(client.get("/"))
        await until(lambda: proxy.meddler.struck)
        began = time.monotonic()
        await proxy.close()
        with pytest.raises(httpx.HTTPError):
            await waiting
        assert time.monotonic() - began < 1


async def test_a_system_that_is_not_there_is_a_bad_gateway() -> None:
    proxy = Proxy("http://127.0.0.1:9", status=["status"])
    async with httpx.AsyncClient(base_url=await proxy.open(), trust_env=False) as client:
        assert (await client.get("/")).status_code == 502
    await proxy.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\n",
        b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1),
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3 + b"".join(b"h%d: x\r\n" % n for n in range(200)) + b"\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nshort",
    ],
)
async def test_what_is_no_request_ends_its_connection_alone(ask: Ask, proxy: Proxy, sent: bytes) -> None:
    await ask()
    port = int(str(proxy.address).rsplit(":", 1)[1].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    assert (await ask()).status_code == 201


async def test_a_body_in_chunks_is_read() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\n\r\n")
    reader.feed_eof()
    request = await read_request(reader)
    assert request is not None
    assert request.body == b"abcde"
    assert await read_request(reader) is None
