"""The way out: bounded in time and size, following nothing, and never to an address that is not public."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from hub.notifications.rules import Answer, Limits
from hub.notifications.send import Sender, checked_socket
from tests.notifications.hostile import NAME, Handle, Names, certificates, says, serving

OPEN = Limits(allow_private=True, timeout_seconds=1)
SHUT = Limits(timeout_seconds=1)
OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def sent_to(handle: Handle, *, path: str = "/hook") -> tuple[Answer, list[bytes]]:
    sender = Sender(OPEN)
    async with serving(handle) as (port, came):
        answer = await sender.send(f"http://127.0.0.1:{port}{path}", {"webhook-id": "evt_1"}, b'{"a":1}')
    await sender.close()
    return answer, came


async def test_what_is_sent_and_what_comes_back() -> None:
    answer, came = await sent_to(says("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"), path="/hook?a=%20b")
    assert (answer.status, answer.response, answer.error) == (202, "ok", "")
    head, _, body = came[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=%20b HTTP/1.1\r\n")
    assert b"webhook-id: evt_1" in head
    assert body == b'{"a":1}'


async def test_redirects_are_not_followed() -> None:
    async with serving(says(OK)) as (port, inner):
        answer, _ = await sent_to(says(f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"))
    assert answer.status == 307
    assert inner == []


async def test_a_body_without_an_end_is_cut() -> None:
    async def endless(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 No\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()

    answer, _ = await sent_to(endless)
    assert (answer.status, len(answer.response)) == (500, 1024)


async def drip(writer: asyncio.StreamWriter, text: str) -> None:
    with suppress(ConnectionError):
        for letter in text:
            writer.write(letter.encode())
            await writer.drain()
            await asyncio.sleep(0.2)


async def test_headers_that_come_drop_by_drop_are_waited_for_no_longer_than_the_rest() -> None:
    async def slow(_: bytes, writer: asyncio.StreamWriter) -> None:
        await drip(writer, OK)

    began = time.monotonic()
    answer, _ = await sent_to(slow)
    assert (answer.status, answer.timed_out) == (None, True)
    assert "within 1 s" in answer.error
    assert time.monotonic() - began < 3


async def test_a_body_that_comes_drop_by_drop_takes_nothing_from_the_answer() -> None:
    async def slow(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        await drip(writer, "ok" * 50)

    sender = Sender(Limits(allow_private=True, timeout_seconds=5))
    async with serving(slow) as (port, _):
        answer = await sender.send(f"http://127.0.0.1:{port}/", {}, b"{}")
    await sender.close()
    assert answer.status == 200
    assert answer.seconds < 3


@pytest.mark.parametrize(
    "text",
    [
        f"HTTP/1.1 200 OK\r\nX: {'x' * 1_000_000}\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + "".join(f"X-{number}: x\r\n" for number in range(50_000)) + "\r\n",
        "not HTTP at all\r\n\r\n",
        "",
        "HTTP/1.1 9999 What\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["long header", "many headers", "no HTTP", "nothing", "no status", "negative length"],
)
async def test_what_is_no_answer_is_an_error_that_is_told(text: str) -> None:
    answer, _ = await sent_to(says(text))
    assert answer.status is None
    assert 0 < len(answer.error) <= 300


async def test_nothing_is_unpacked() -> None:
    answer, _ = await sent_to(says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"))
    assert (answer.status, answer.response) == (200, "nope")


async def test_text_that_cannot_be_kept_is_made_keepable() -> None:
    answer, _ = await sent_to(says("HTTP/1.1 400 No\r\nContent-Length: 4\r\n\r\na\0\u00e9"))
    assert answer.response == "a\u00e9"


async def test_retry_after_is_read() -> None:
    answer, _ = await sent_to(says("HTTP/1.1 429 Slow\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"))
    assert (answer.status, answer.retry_after) == (429, 17)


async def test_nobody_there_is_an_answer() -> None:
    sender = Sender(OPEN)
    answer = await sender.send("http://127.0.0.1:1/", {}, b"{}")
    await sender.close()
    assert answer.status is None
    assert answer.error


async def reach(names: Names, url: str) -> Answer:
    server_tls, client_tls = certificates()
    async with serving(says(OK), server_tls) as (port, came):
        names.port = port
        sender = Sender(SHUT, resolver=names, ssl=client_tls)
        answer = await sender.send(url.replace("PORT", str(port)), {}, b"{}")
        await sender.close()
    assert came == [], "not a byte reached it"
    return answer


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["169.254.169.254"], ["::1"]], ids=str
)
async def test_a_name_that_leads_inside_even_in_part_is_refused(addresses: list[str]) -> None:
    answer = await reach(Names(addresses), f"https://{NAME}:PORT/")
    assert answer.error.startswith("address_refused")


@pytest.mark.parametrize("url", ["https://127.0.0.1:PORT/", "https://[::1]:PORT/", "https://[::ffff:127.0.0.1]:PORT/"])
async def test_an_address_that_needs_no_resolver_is_refused_all_the_same(url: str) -> None:
    answer = await reach(Names(["8.8.8.8"]), url)
    assert answer.error.startswith("address_refused")


@pytest.mark.parametrize("url", ["https://127.1:PORT/", "https://2130706433:PORT/", "https://0x7f.0.0.1:PORT/", "https://0177.0.0.1:PORT/"])
async def test_other_ways_to_write_an_address_are_refused_as_what_they_stand_for(url: str) -> None:
    server_tls, client_tls = certificates()
    async with serving(says(OK), server_tls) as (port, came):
        sender = Sender(SHUT, ssl=client_tls)  # with the system's own resolver, which knows them
        answer = await sender.send(url.replace("PORT", str(port)), {}, b"{}")
        await sender.close()
    assert came == []
    assert answer.status is None


async def test_rebinding_finds_the_address_checked_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(["93.184.215.14"], ["127.0.0.1"])
    asked: list[str] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", _noting(asked), raising=False)
    sender = Sender(SHUT, resolver=names)
    first = await sender.send(f"https://{NAME}/", {}, b"{}")
    second = await sender.send(f"https://{NAME}/", {}, b"{}")
    await sender.close()
    assert names.asked == 2, "once for each attempt, never between check and connection"
    assert asked == ["93.184.215.14"], "what was checked, and nothing else"
    assert first.status is None
    assert second.error.startswith("address_refused")


def _noting(asked: list[str]) -> Callable[..., Awaitable[None]]:
    async def connect(_: object, address: tuple[str, int]) -> None:
        asked.append(address[0])
        raise ConnectionRefusedError

    return connect


def test_the_last_door_is_shut_whoever_resolved() -> None:
    with pytest.raises(OSError, match="not a public address"):
        checked_socket((2, 1, 6, "", ("10.0.0.1", 443)))
    checked_socket((2, 1, 6, "", ("8.8.8.8", 443))).close()


async def test_the_certificate_has_to_be_for_the_name_in_the_url() -> None:
    for name, status in ((NAME, 200), ("other.example.com", None)):
        server_tls, client_tls = certificates(name)
        async with serving(says(OK), server_tls) as (port, came):
            sender = Sender(OPEN, resolver=Names(["127.0.0.1"]), ssl=client_tls)
            answer = await sender.send(f"https://{NAME}:{port}/", {}, b"{}")
            await sender.close()
        assert answer.status == status
        assert len(came) == (1 if status else 0)
        assert not came or f"host: {NAME}:{port}".encode() in came[0].lower()


async def test_what_the_environment_says_of_proxies_is_nothing_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(says(OK)) as (proxy, through):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        answer, came = await sent_to(says(OK))
    assert (answer.status, len(came), through) == (200, 1, [])
