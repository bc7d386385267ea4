"""How calls are sent: once in effect, again where that helps, within their time; both clients alike."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tests.vendor_sdk.client.hub import KEY, QUICK, Hub, answer, awaiting, blocking, no, of_both
from vendor_sdk.client import Client
from vendor_sdk.client.connection import Connection, Patience
from vendor_sdk.client.errors import (
    Conflict,
    Failed,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Problem,
    TooManyRequests,
    Unavailable,
    Unintelligible,
    Unreachable,
)
from vendor_sdk.errors import Misconfigured

OFFER = {
    "id": "off_1",
    "product_id": "prd_1",
    "variant_id": "var_1",
    "sku": "mug",
    "title": "Mug",
    "price": {"amount": 100, "currency": "EUR"},
    "shipping_price": {"amount": 0, "currency": "EUR"},
    "state": "active",
    "stock": 3,
    "version": 2,
}


def hub(*replies: httpx.Response | Exception) -> Callable[[], Hub]:
    return lambda: Hub(list(replies))


async def test_a_write_is_asked_again_under_its_own_key_until_it_is_answered() -> None:
    made = hub(httpx.ConnectError("away"), httpx.ReadTimeout("slow"), no(503, "too_busy"), no(429, "too_many_requests"), answer(OFFER))
    keys: set[str] = set()
    for result, asked in await of_both(made, lambda client: client.offers.count("mug", 3)):
        assert result.stock == 3
        assert len(asked.asked) == 5
        [key] = {request.headers["idempotency-key"] for request in asked.asked}
        assert len(key) >= 32
        keys.add(key)
        assert {request.content for request in asked.asked} == {b'{"stock":3}'}
    assert len(keys) == 2, "another call has another key"


async def test_a_key_of_ones_own_is_used() -> None:
    for _, asked in await of_both(hub(answer(OFFER)), lambda client: client.offers.count("mug", 3, key="mine-1")):
        assert asked.asked[0].headers["idempotency-key"] == "mine-1"


async def test_a_twin_that_still_runs_is_waited_for() -> None:
    made = hub(no(409, "idempotency_key_in_use"), answer(OFFER))
    for result, asked in await of_both(made, lambda client: client.offers.count("mug", 3)):
        assert (result.version, len(asked.asked)) == (2, 2)


@pytest.mark.parametrize(
    ("status", "code", "family", "again"),
    [
        (400, "invalid_request", Invalid, False),
        (401, "not_authenticated", NotAuthenticated, False),
        (403, "not_allowed", NotAllowed, False),
        (404, "unknown_offer", NotFound, False),
        (409, "not_awaited", Conflict, False),
        (412, "version_mismatch", Conflict, False),
        (413, "body_too_large", Invalid, False),
        (422, "price_zero", Invalid, False),
        (429, "too_many_requests", TooManyRequests, True),
        (500, "internal_error", Failed, False),
        (502, "http_502", Unavailable, True),
        (503, "database_unavailable", Unavailable, True),
    ],
)
async def test_each_problem_is_of_its_family_and_says_what_one_needs(status: int, code: str, family: type[Problem], again: bool) -> None:
    made = hub(no(status, code, field="/stock"))
    patience = Patience(attempt=1, call=0.15, first_pause=0.001, longest_pause=0.002)
    for error, asked in await of_both(made, lambda client: client.offers.count("mug", 3), patience):
        assert type(error) is family
        assert (error.status, error.code, error.field, error.request_id, error.retryable) == (status, code, "/stock", "req-1", again)
        assert (len(asked.asked) > 1) is again


async def test_a_conflict_tells_the_current_version_and_state() -> None:
    def put(client: Any) -> Any:
        return client.offers.count("mug", 3, version=1)

    for error, asked in await of_both(hub(no(412, "version_mismatch", facts={"version": 7})), put):
        assert asked.asked[0].headers["if-match"] == '"1"'
        assert error.current_version == 7
    for error, _ in await of_both(hub(no(409, "not_awaited", facts={"state": "canceled"})), lambda client: client.orders.accept("sub_1")):
        assert (error.state, error.current_version) == ("canceled", None)


@pytest.mark.parametrize("as_date", [False, True])
async def test_what_the_hub_asks_to_wait_is_waited(as_date: bool) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)  # noqa: TID251  # as a server writes it
    made = Hub([no(503, "database_unavailable", headers={"retry-after": moment if as_date else "1"}), answer(OFFER)])
    begun = time.monotonic()
    assert (await awaiting(made, Patience(call=5, first_pause=0.001)).offers.get("mug")).sku == "mug"
    assert time.monotonic() - begun > 0.9


async def test_what_cannot_be_waited_for_is_raised_at_once() -> None:
    begun = time.monotonic()
    for error, asked in await of_both(
        hub(no(429, "too_many_requests", headers={"retry-after": "60"})), lambda client: client.offers.get("mug")
    ):
        assert (type(error), error.retry_after, len(asked.asked)) == (TooManyRequests, 60, 1)
    assert time.monotonic() - begun < 1


async def test_nobody_there_is_unreachable_and_names_no_key() -> None:
    for error, asked in await of_both(
        hub(httpx.ConnectError("refused")),
        lambda client: client.offers.get("mug"),
        Patience(attempt=1, call=0.15, first_pause=0.01, longest_pause=0.01),
    ):
        assert isinstance(error, Unreachable)
        assert error.retryable
        assert len(asked.asked) > 1
        assert KEY not in repr(error)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"\xff"),
        answer(OFFER | {"stock": "3"}),
        answer({k: v for k, v in OFFER.items() if k != "id"}),
        httpx.Response(302, headers={"location": "https://elsewhere.example.com"}),
    ],
)
async def test_what_is_no_answer_is_raised_and_not_followed(reply: httpx.Response) -> None:
    for error, asked in await of_both(hub(reply), lambda client: client.offers.get("mug")):
        assert isinstance(error, Unintelligible), error
        assert len(asked.asked) == 1


async def test_fields_of_a_newer_hub_do_no_harm() -> None:
    for result, _ in await of_both(hub(answer(OFFER | {"color": "red"})), lambda client: client.offers.get("mug")):
        assert result.sku == "mug"


async def test_a_proxys_page_is_a_problem_too() -> None:
    page = httpx.Response(403, content=b"<h1>Forbidden</h1>", headers={"x-request-id": "edge-1"})
    for error, _ in await of_both(hub(page), lambda client: client.offers.get("mug")):
        assert (type(error), error.code, error.request_id) == (NotAllowed, "http_403", "edge-1")


async def test_pages_are_asked_for_as_they_are_needed() -> None:
    pages = [answer({"data": [OFFER | {"sku": f"{n}"}], "next_cursor": f"c{n}" if n < 2 else None}) for n in range(3)]
    for result, asked in await of_both(hub(*pages), lambda client: client.offers.all()):
        assert [offer.sku for offer in result] == ["0", "1", "2"]
        assert [dict(request.url.params) for request in asked.asked] == [
            {"limit": "100"},
            {"limit": "100", "cursor": "c0"},
            {"limit": "100", "cursor": "c1"},
        ]
    lazy = Hub(list(pages))
    assert next(blocking(lazy).offers.all()).sku == "0"
    assert len(lazy.asked) == 1


async def test_ids_stay_within_their_place_of_the_path() -> None:
    for _, asked in await of_both(hub(answer(OFFER)), lambda client: client.offers.get("a/../b?c#d e")):
        assert asked.asked[0].url.raw_path == b"/v1/vendor/offers/a%2F..%2Fb%3Fc%23d%20e"
    for wrong in ("", ".", ".."):
        for error, asked in await of_both(hub(answer(OFFER)), lambda client, id_=wrong: client.offers.get(id_)):
            assert isinstance(error, ValueError)
            assert asked.asked == []


async def test_an_answer_that_drips_ends_with_the_attempt() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(20):
            writer.write(b" ")
            await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    client = Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", KEY, patience=Patience(attempt=0.3, call=0.3))
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        await asyncio.to_thread(client.offers.get, "mug")
    assert time.monotonic() - begun < 2
    client.close()
    server.close()


@pytest.mark.parametrize(
    "url",
    [
        "hub.example.com",
        "http://hub.example.com",
        "ftp://hub.example.com",
        "https://u:p@hub.example.com",
        "https://h/?a=1",
        "https://h/#a",
        "https://",
        "https://[",
        "",
    ],
)
def test_a_key_is_sent_to_no_such_address(url: str) -> None:
    with pytest.raises(Misconfigured):
        Client(url, KEY)


@pytest.mark.parametrize(
    "url", ["https://hub.example.com/", "http://localhost:8000", "http://127.0.0.2", "http://[::1]:1", "https://h/base"]
)
def test_an_address_that_will_do(url: str) -> None:
    assert repr(Client(url, KEY)) == f"Client({url.rstrip('/')!r}, …)"
    assert repr(Client("http://hub.example.com", KEY, allow_http=True))


@pytest.mark.parametrize("key", ["", "short", "wk_vendor with space", "wk_vendor_ä0123456789", "wk_vendor_0123\r\nX: y"])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Client("https://hub.example.com", key)
    assert key == "" or key not in str(caught.value)


async def test_a_key_is_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        for client in (blocking(Hub([answer(OFFER)])), awaiting(Hub([answer(OFFER)]))):
            assert KEY not in repr(client)
        await of_both(hub(answer(OFFER)), lambda client: client.offers.get("mug"))
    assert KEY not in repr(Connection("https://hub.example.com", KEY, patience=QUICK, allow_http=False))
    assert KEY not in caplog.text
