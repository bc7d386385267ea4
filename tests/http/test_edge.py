"""What holds for every request: bodies, idempotency, keys, rates, traces, health."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from hub.app import create_app
from hub.customers.register import NewCustomer, register
from hub.embedded.nats import Nats
from hub.runtime.database import Tx
from hub.runtime.edge import Windows
from hub.settings import load_settings
from hub.wiring import wire
from tests.hub_api import Api, settings_for
from tests.problem import problem

JSON = {"Content-Type": "application/json"}


async def send(api: Api, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return await api.http.post(
        "/v1/carts", content=content, headers={"Authorization": f"Bearer {api.keys['ada']}", **JSON, **(headers or {})}
    )


class TestBodies:
    @pytest.mark.parametrize("content", [b"{", b"", b'{"currency"', b'{"currency":}', b"\xff\xfe", b'{"currency":"\\ud800"}'])
    async def test_malformed_json(self, api: Api, content: bytes):
        problem(await send(api, content), 400, "malformed_request")

    @pytest.mark.parametrize("content", [b"[]", b"null", b'"x"', b"1", b"[" * 5000])
    async def test_json_of_another_shape(self, api: Api, content: bytes):
        problem(await send(api, content), 400, "invalid_request")

    async def test_text_that_cannot_be_stored(self, api: Api):
        problem(await send(api, b'{"currency":"\\u0000"}'), 400, "malformed_request")
        problem(await api("ada", "GET", "/v1/carts/cart_%00"), 400, "malformed_request")
        problem(await api("", "GET", "/v1/search?q=%00"), 400, "malformed_request")

    async def test_an_escaped_backslash_before_u0000_is_text(self, api: Api):
        body = b'{"name":"\\\\u0000","email":"a@b.c"}'
        headers = {"Authorization": f"Bearer {api.keys['olga']}", **JSON}
        answer = await api.http.post("/v1/admin/customers", content=body, headers=headers)
        assert answer.json()["customer"]["name"] == "\\u0000"

    @pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
    async def test_another_media_type(self, api: Api, media_type: str):
        problem(await send(api, b"{}", {"Content-Type": media_type}), 415, "unsupported_media_type")

    async def test_json_with_a_charset(self, api: Api):
        assert (await send(api, b"{}", {"Content-Type": "application/json; charset=utf-8"})).status_code == 201

    async def test_a_body_over_the_limit(self, api: Api):
        problem(await send(api, b'{"x":"' + b"a" * 1_048_576 + b'"}'), 413, "body_too_large")

    async def test_a_body_over_the_limit_that_does_not_say_so(self, api: Api):
        async def pieces():
            for _ in range(20):
                yield b" " * 65_536

        headers = {"Authorization": f"Bearer {api.keys['ada']}", **JSON}
        problem(await api.http.post("/v1/carts", content=pieces(), headers=headers), 413, "body_too_large")

    async def test_unknown_path_and_method(self, api: Api):
        problem(await api("ada", "GET", "/v1/nothing"), 404, "not_found")
        answer = await api("ada", "PATCH", "/v1/carts", {})
        problem(answer, 405, "method_not_allowed")
        assert "POST" in answer.headers["allow"]


class TestIdempotency:
    async def test_the_same_request_is_done_once(self, api: Api):
        once = {"Idempotency-Key": "once"}
        first, second = [await api("ada", "POST", "/v1/carts", {}, once) for _ in range(2)]
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert first.headers["etag"] == second.headers["etag"]

    async def test_another_request_with_the_same_key(self, api: Api):
        once = {"Idempotency-Key": "other"}
        assert (await api("ada", "POST", "/v1/carts", {}, once)).status_code == 201
        problem(await api("ada", "POST", "/v1/carts", {"currency": "USD"}, once), 409, "idempotency_key_reused", "header:Idempotency-Key")
        mug = await api.offer("mug")
        problem(await api("ada", "PUT", f"/v1/carts/x/lines/{mug}", {"quantity": 1}, once), 409, "idempotency_key_reused")

    async def test_keys_are_each_callers_own(self, api: Api):
        once = {"Idempotency-Key": "mine"}
        ada, bob = [await api(who, "POST", "/v1/carts", {}, once) for who in ("ada", "bob")]
        assert ada.json()["id"] != bob.json()["id"]

    async def test_twins_at_once_make_one_cart(self, api: Api):
        answers = await asyncio.gather(*(api("ada", "POST", "/v1/carts", {}, {"Idempotency-Key": "twins"}) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 4

    async def test_a_refusal_keeps_nothing(self, api: Api):
        mug, once = await api.offer("mug"), {"Idempotency-Key": "again"}
        cart = await api.cart()
        path = f"/v1/carts/{cart}/lines/{mug}"
        problem(await api("ada", "PUT", path, {"quantity": 1}, {**once, "If-Match": '"9"'}), 412, "version_mismatch")
        assert (await api("ada", "PUT", path, {"quantity": 1}, once)).status_code == 200

    @pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\tb"])
    async def test_an_unusable_key(self, api: Api, key: str):
        headers = [(b"authorization", b"Bearer " + api.keys["ada"].encode()), (b"idempotency-key", key.encode())]
        answer = await api.http.post("/v1/carts", json={}, headers=headers)
        problem(answer, 422, "idempotency_key_invalid", "header:Idempotency-Key")


class TestTraces:
    async def test_a_request_id_comes_back(self, api: Api):
        answer = await api("", "GET", "/v1/search", headers={"X-Request-Id": "my-id.1"})
        assert answer.headers["x-request-id"] == "my-id.1"

    @pytest.mark.parametrize("wrong", ["a b", "x" * 65, "<script>"])
    async def test_a_malformed_one_is_replaced(self, api: Api, wrong: str):
        answer = await api("", "GET", "/v1/search", headers={"X-Request-Id": wrong})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])

    async def test_a_trace_goes_on(self, api: Api):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        answer = await api("", "GET", "/v1/nothing", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        assert answer.json()["request_id"] == answer.headers["x-request-id"] == trace


class TestRates:
    def test_a_window_ends(self):
        windows = Windows()
        assert [windows.count("a", 2, 59.0).left for _ in range(3)] == [1, 0, -1]
        assert windows.count("b", 2, 59.0).left == 1
        assert windows.count("a", 2, 59.5).reset == 1
        assert windows.count("a", 2, 60.0).left == 1

    async def test_too_many_requests_of_one_key(self, database_url: str):
        slow = settings_for(database_url, WHEELWRIGHT__HTTP__BUYER_PER_MINUTE="2", WHEELWRIGHT__HTTP__ANONYMOUS_PER_MINUTE="3")
        wiring = wire(load_settings(environ=slow), "test")
        async with wiring.database.tx() as tx:
            keys = [(await new_buyer(tx)) for _ in range(2)]
        transport = httpx.ASGITransport(app=create_app(wiring))  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:

            async def get(key: str) -> httpx.Response:
                return await http.get("/v1/carts/x", headers={"Authorization": f"Bearer {key}"})

            assert [(await get(keys[0])).status_code for _ in range(3)] == [404, 404, 429]
            limited = await get(keys[0])
            problem(limited, 429, "too_many_requests")
            assert 0 < int(limited.headers["retry-after"]) <= 61
            assert (limited.headers["ratelimit-limit"], limited.headers["ratelimit-remaining"]) == ("2", "0")
            assert (await get(keys[1])).status_code == 404
            assert [(await get(f"guess{n}")).status_code for n in range(4)] == [401, 401, 401, 429]
        await wiring.close()


async def new_buyer(tx: Tx) -> str:
    return (await register(tx, NewCustomer(name="x", email="x@example.com"))).api_key or ""


class TestHealth:
    async def test_ready_with_database_and_broker(self, database_url: str, nats: Nats):
        wiring = wire(load_settings(environ=settings_for(database_url, WHEELWRIGHT__NATS__URL=nats.url)), "test")
        await wiring.bus.start()
        assert await wiring.bus.connected(10)
        transport = httpx.ASGITransport(app=create_app(wiring))  # pyright: ignore[reportArgumentType]  # as above
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
            assert (await http.get("/health/ready")).json() == {"status": "ok"}
        await wiring.close()

    async def test_not_ready_without_a_broker(self, api: Api):
        assert (await api("", "GET", "/health/live")).json() == {"status": "ok"}
        problem(await api("", "GET", "/health/ready"), 503, "broker_unavailable")

    async def test_nothing_works_without_a_database(self):
        gone = settings_for("postgresql+asyncpg://nobody@127.0.0.1:1/none")
        wiring = wire(load_settings(environ=gone), "test")
        transport = httpx.ASGITransport(app=create_app(wiring))  # pyright: ignore[reportArgumentType]  # as above
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
            assert (await http.get("/health/live")).status_code == 200
            for path, headers in (("/health/ready", {}), ("/v1/search", {}), ("/v1/carts/x", {"Authorization": "Bearer x"})):
                answer = await http.get(path, headers=headers)
                problem(answer, 503, "database_unavailable")
        await wiring.close()


@pytest.mark.parametrize(("query", "field"), [("state=lost", "state"), ("due_within=-1", "due_within"), ("limit=0", "limit")])
async def test_a_bad_parameter_is_named_as_it_was_sent(api: Api, query: str, field: str):
    refused = await api("acme", "GET", f"/v1/vendor/orders?{query}")
    assert problem(refused, 400, "invalid_request")["field"] == field


async def test_the_page_of_the_api_shows_every_operation_and_needs_nothing_from_afar(api: Api):
    page = await api.http.get("/schema")
    document = (await api.http.get("/schema/openapi.json")).json()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.findall(r"<script|<link|<img|@import|url\(|(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page.text)
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<b class={method.upper()}>{method.upper()}</b> <code>{path}</code>" in page.text
    linked = set(re.findall(r"href=#(\w+)", page.text))
    assert linked == linked & set(re.findall(r"id=(\w+)", page.text))


async def test_no_request_starts_a_task_for_what_is_there_already(api: Api) -> None:
    """The framework would start one for each dependency of a handler, and take longer for them than for the request."""
    began: list[str] = []

    def noting(loop: Any, work: Any, **more: Any) -> Any:
        began.append(work.__qualname__)
        return asyncio.Task(work, loop=loop, **more)

    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(noting)
    try:
        problem(await api("ada", "POST", "/v1/orders", {"quote_id": "quo_none", "payment_method": "pm_card_visa"}), 404, "unknown_quote")
    finally:
        loop.set_task_factory(before)
    assert began.count("Batch._run") == 1
    assert set(began) == {"Batch._run"}
