"""A vendor's system over HTTP, failing in every way: the SDK's words for it."""

import asyncio
from collections.abc import Callable

import httpx
import msgspec
import pytest

from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Retry
from vendor_sdk.upstream import ANSWER_BYTES_MAX, Upstream

URL = "http://shop.test/api"


class Stock(msgspec.Struct):
    units: int


def upstream(answer: Callable[[httpx.Request], httpx.Response]) -> Upstream:
    return Upstream(URL, headers={"Authorization": "Bearer k"}, transport=httpx.MockTransport(answer))


async def test_an_answer_is_read() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"units": 3, "more": 1})

    system = upstream(answer)
    assert (await system.call("POST", "/stock", key="c1", json={"a": 1})).read(Stock) == Stock(3)
    assert str(seen[0].url) == f"{URL}/stock"
    assert (seen[0].headers["idempotency-key"], seen[0].headers["authorization"]) == ("c1", "Bearer k")
    await system.close()


@pytest.mark.parametrize(
    ("status", "headers", "error", "wait"),
    [
        (429, {"Retry-After": "12"}, Retry, 12.0),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, Retry, 0.0),
        (500, {}, Retry, None),
        (503, {"Retry-After": "99999999"}, Retry, 3600.0),
        (408, {"Retry-After": "soon"}, Retry, None),
        (401, {}, NeedsReauth, None),
        (403, {}, NeedsReauth, None),
        (404, {}, Misconfigured, None),
        (302, {"Location": "http://elsewhere.test"}, Misconfigured, None),
    ],
)
async def test_a_status_is_an_error_of_the_right_class(
    status: int, headers: dict[str, str], error: type[AdapterError], wait: float | None
) -> None:
    system = upstream(lambda _: httpx.Response(status, headers=headers))
    with pytest.raises(error, match=f"GET /x: {status}") as caught:
        await system.call("GET", "/x")
    assert caught.value.retry_after == wait


async def test_a_status_that_is_expected_is_an_answer() -> None:
    system = upstream(lambda _: httpx.Response(409, json={"units": 0}))
    answer = await system.call("GET", "/x", expects=(200, 409))
    assert (answer.status, answer.read(Stock)) == (409, Stock(0))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.PoolTimeout])
async def test_a_broken_connection_is_retry(error: type[httpx.TransportError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    with pytest.raises(Retry, match=error.__name__):
        await upstream(fail).call("GET", "/x")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"units": "3"}', b"{}", b"null"])
async def test_an_unreadable_answer_is_retry(body: bytes) -> None:
    answer = await upstream(lambda _: httpx.Response(200, content=body)).call("GET", "/x")
    with pytest.raises(Retry, match="unreadable"):
        answer.read(Stock)


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    with pytest.raises(Misconfigured, match="bytes"):
        await upstream(lambda _: httpx.Response(200, content=b"x" * (ANSWER_BYTES_MAX + 1))).call("GET", "/x")


def test_an_address_is_http() -> None:
    with pytest.raises(Misconfigured, match="ftp"):
        Upstream("ftp://shop.test")
    with pytest.raises(Misconfigured, match="proxy"):
        Upstream(URL, proxy="shop.test")


async def test_it_goes_through_the_proxy_it_is_given_and_through_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with server:
        for system in (Upstream(here), Upstream("http://shop.test", proxy=here)):
            assert (await system.call("GET", "/x")).status == 200
            await system.close()
    assert asked == [b"GET /x HTTP/1.1", b"GET http://shop.test/x HTTP/1.1"]
