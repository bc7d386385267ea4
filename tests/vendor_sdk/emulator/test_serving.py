"""The emulator as it is served: its controls, its clock, its webhooks, its memory, and what nobody should send it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from standardwebhooks import Webhook

from tests.vendor_sdk.stand import until
from vendor_sdk.client import AsyncClient
from vendor_sdk.emulator import catalog
from vendor_sdk.emulator.emulator import Emulator, Setup
from vendor_sdk.emulator.http.request import Answer, Request
from vendor_sdk.emulator.http.routes import answer, refusal
from vendor_sdk.emulator.http.wire import BODY_BYTES_MAX, Server
from vendor_sdk.messages import Document, Parcel
from vendor_sdk.settings import Loaded, Secrets, SpokeSettings

MUGS = {"items": [{"sku": "mug", "quantity": 2}]}


def dummy(**config: Any) -> Loaded:
    settings = {"adapter": "dummy", "vendor": "acme", "config": config}
    return Loaded(settings=msgspec.convert(settings, SpokeSettings), secrets=Secrets())


@asynccontextmanager
async def serving(folder: Path, loaded: Loaded | None = None) -> AsyncGenerator[tuple[Emulator, httpx.AsyncClient]]:
    """A running emulator and somebody who speaks to it."""
    emulator = Emulator(Setup(vendor="acme", data=folder, loaded=loaded))
    emulator.change(lambda turn: catalog.stock_up(turn, catalog.SAMPLE))
    await emulator.start()
    running = asyncio.create_task(emulator.run())
    server = Server(lambda request: answer(emulator, request), refusal)
    base = f"http://127.0.0.1:{await server.start(0)}"
    try:
        async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
            yield emulator, http
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await server.stop()
        await emulator.stop()


@asynccontextmanager
async def receiver(status: Callable[[], int]) -> AsyncGenerator[tuple[str, list[Request]]]:
    """A vendor's endpoint: its URL, and what it got."""
    got: list[Request] = []

    def respond(request: Request) -> Answer:
        got.append(request)
        return Answer(status=status(), body=b"")

    server = Server(respond, refusal)
    try:
        yield f"http://127.0.0.1:{await server.start(0)}/hook", got
    finally:
        await server.stop()


async def state_of(http: httpx.AsyncClient) -> Any:
    return (await http.get("/_emulator/state")).json()


async def test_an_order_goes_its_way_as_the_clock_moves(tmp_path: Path) -> None:
    async with serving(tmp_path, dummy(accept_after=3600, ship_after=3600, deliver_after=4 * 3600.0, return_after=3600)) as (
        emulator,
        http,
    ):
        placed = await http.post("/_emulator/orders", json=MUGS)
        assert placed.status_code == 201
        part = emulator.book.parts[placed.json()["id"]]
        for state in ("accepted", "shipped", "delivered"):
            await until(lambda: any(step.is_open and step.pendings for step in emulator.book.steps.values()))
            assert (await http.post("/_emulator/clock", json={"advance": "3h"})).status_code == 200
            await until(lambda state=state: emulator.book.parts[part.id].state == state)
        wanted = {"lines": [{"line_id": part.lines[0].id, "quantity": 1, "reason": "defective"}], "note": "it leaks"}
        back = (await http.post(f"/_emulator/orders/{part.id}/return", json=wanted)).json()
        assert (back["state"], back["pays_shipping"]) == ("requested", "vendor")
        await until(lambda: emulator.book.returns[back["id"]].state == "authorized")
        assert (await http.post(f"/_emulator/returns/{back['id']}/shipment", json={})).json()["state"] == "in_transit"
        await http.post("/_emulator/clock", json={"advance": "3h"})
        await until(lambda: emulator.book.returns[back["id"]].state == "refunded")
        await http.post("/_emulator/clock", json={"advance": "15d"})
        await until(lambda: emulator.book.parts[part.id].state == "settled")
        [balance] = (await state_of(http))["balance"]
        assert (balance["held"], balance["transferred"]) == (0, 2500 + 490 - 250 - 1125)


async def test_a_vendor_without_a_spoke_works_by_hand_with_the_client(tmp_path: Path) -> None:
    async with serving(tmp_path) as (emulator, http):
        sub = (await http.post("/_emulator/orders", json=MUGS)).json()["id"]
        async with AsyncClient(str(http.base_url), emulator.book.api_key) as client:
            assert [order.id async for order in client.orders.all(state="routed")] == [sub]
            await client.orders.accept(sub)
            await until(lambda: emulator.book.parts[sub].is_paid)
            invoice = Document(kind="invoice", url="https://acme.example/i.pdf", name="Invoice")
            left = await client.orders.ship(sub, [Parcel(carrier="post", tracking_number="T")], documents=[invoice])
            assert (left.state, [paper.url for paper in left.documents]) == ("shipped", [invoice.url])
            assert (await client.orders.get(sub)).documents == left.documents
            assert (await client.orders.deliver(sub)).state == "delivered"
            assert [entry.amount async for entry in client.books.entries()] == [2740]


async def test_a_buyer_cancels_what_the_vendor_has(tmp_path: Path) -> None:
    async with serving(tmp_path, dummy(ship_after=3600)) as (emulator, http):
        sub = (await http.post("/_emulator/orders", json=MUGS)).json()["id"]
        await until(lambda: emulator.book.parts[sub].is_paid)
        assert (await http.post(f"/_emulator/orders/{sub}/cancel", json={})).status_code == 200
        await until(lambda: emulator.book.parts[sub].state == "canceled")
        again = await http.post(f"/_emulator/orders/{sub}/cancel", json={})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/not_cancelable")
        assert emulator.book.offers["mug"].stock == 1000


async def test_webhooks_are_signed_in_order_and_tried_again(tmp_path: Path) -> None:
    statuses = iter([500, 503])
    async with receiver(lambda: next(statuses, 204)) as (url, got), serving(tmp_path) as (emulator, http):
        key = {"Authorization": f"Bearer {emulator.book.api_key}"}
        made = (await http.post("/v1/vendor/webhook-endpoints", json={"url": url}, headers=key)).json()
        sub = (await http.post("/_emulator/orders", json=MUGS)).json()["id"]
        await until(lambda: len(got) == 1)
        for attempts in (2, 5):
            await http.post("/_emulator/clock", json={"advance": "10m"})
            await until(lambda attempts=attempts: len(got) >= attempts - (attempts == 5))
        await until(lambda: all(each.state == "delivered" for each in emulator.book.deliveries.values()))
        bodies = [Webhook(made["secrets"][0]["secret"]).verify(each.body, each.headers) for each in got]
        assert [body["type"] for body in bodies] == ["order.placed"] * 3 + ["order.routed"]
        assert len({each.headers["webhook-id"] for each in got}) == 2
        assert bodies[-1]["data"]["object"]["id"] == sub


async def test_410_disables_an_endpoint(tmp_path: Path) -> None:
    async with receiver(lambda: 410) as (url, got), serving(tmp_path) as (emulator, http):
        key = {"Authorization": f"Bearer {emulator.book.api_key}"}
        endpoint = (await http.post("/v1/vendor/webhook-endpoints", json={"url": url}, headers=key)).json()["endpoint"]["id"]
        await http.post("/_emulator/orders", json=MUGS)
        await until(lambda: emulator.book.endpoints[endpoint].reason == "gone")
        await http.post("/_emulator/orders", json=MUGS)
        assert {each.reason for each in emulator.book.deliveries.values()} == {"gone", "endpoint_disabled"}
        assert len(got) == 1


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path, dummy(accept_after=3600)) as (emulator, http):
        sub, key = (await http.post("/_emulator/orders", json=MUGS)).json()["id"], emulator.book.api_key
        await until(lambda: any(step.pendings for step in emulator.book.steps.values()))
    async with serving(tmp_path, dummy(accept_after=3600)) as (emulator, http):
        assert emulator.book.api_key == key
        await http.post("/_emulator/clock", json={"advance": "2h"})
        await until(lambda: emulator.book.parts[sub].state in {"accepted", "shipped"})
    async with serving(tmp_path, dummy()) as (emulator, _):
        assert emulator.clock.ahead > 7000


async def test_a_refused_change_leaves_no_trace(tmp_path: Path) -> None:
    async with serving(tmp_path) as (emulator, http):
        before = msgspec.json.encode(emulator.book.offers)
        many = {"items": [{"sku": "mug", "quantity": 1}, {"sku": "book", "quantity": 5000}]}
        answered = await http.post("/_emulator/orders", json=many)
        assert (answered.status_code, answered.json()["type"]) == (409, "/problems/sold_out")
        assert msgspec.json.encode(emulator.book.offers) == before
        assert not emulator.book.orders


async def test_what_is_wrong_with_a_control_is_named(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, http):
        wrong: list[tuple[str, Any, int, str | None]] = [
            ("orders", {"items": []}, 400, "/items"),
            ("orders", {"items": [{"sku": "tea", "quantity": 1}]}, 404, None),
            ("orders", {"items": [{"sku": "mug", "quantity": 0}]}, 400, "/items/0/quantity"),
            ("orders", {"items": MUGS["items"] * 2}, 422, "/items"),
            ("clock", {"advance": "soon"}, 422, "/advance"),
            ("clock", {"advance": "999999d"}, 422, "/advance"),
            ("orders/sub_none/cancel", {}, 404, None),
        ]
        for path, body, status, field in wrong:
            found = await http.post(f"/_emulator/{path}", json=body)
            assert (found.status_code, found.json().get("field")) == (status, field), path


async def test_nobody_from_elsewhere_is_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as (emulator, http):
        for host in ("evil.example", "127.0.0.1.evil.example", ""):
            assert (await http.get("/_emulator/state", headers={"Host": host})).json()["type"] == "/problems/foreign_host"
        simple = await http.post("/_emulator/orders", content=b'{"items": []}', headers={"Content-Type": "text/plain"})
        assert simple.status_code == 415
        page = await http.get("/_emulator")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert emulator.book.api_key not in page.text + (await http.get("/_emulator/state")).text


async def test_too_much_and_garbage_harm_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as (emulator, http):
        large = await http.post("/_emulator/orders", content=b"x" * (BODY_BYTES_MAX + 70_000), headers={"Content-Type": "application/json"})
        assert large.status_code == 413
        reader, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port)
        writer.write(b"\x16\x03\x01 not HTTP\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        nul = await http.post("/_emulator/orders", content=b'{"items": "\\u0000"}', headers={"Content-Type": "application/json"})
        assert nul.status_code == 400
        assert (await http.get("/_emulator/state")).json()["vendor"] == emulator.book.vendor
