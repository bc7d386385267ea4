"""Papers of what has left: kept as the vendor's answer says them, seen by whom they concern, wrong ones refused by name."""

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from hub.checkout.hear import Heard, hear
from hub.embedded.nkey import new_seed, public_of
from hub.kernel.money import Money
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from tests.checkout.test_races import HELD, PENDING, answer, capture, lawful, of, order_of, paid, placed
from tests.hub_api import Api
from tests.problem import problem
from vendor_sdk import messages, subjects
from vendor_sdk.messages import Document, DocumentKind, Parcel, Shipped

KINDS: tuple[DocumentKind, ...] = ("label", "packing_slip", "invoice", "customs", "return_label", "other")
FOR_BUYERS = ["invoice", "customs"]
BOX = {"carrier": "DHL", "tracking_number": "JD01"}


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _press(api: Api) -> None:
    """A vendor with a spoke, which no worker sends anything; the others work by hand."""
    standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
    new = NewVendor(
        code="press",
        name="Press",
        country="DE",
        nkey_public=public_of(new_seed()),
        capabilities=["stock", "orders", "shipping"],
        shipping_options=[standard],
    )
    async with api.wiring.database.tx() as tx:
        api.keys["press"] = (await admit(tx, new)).api_key or ""


def papers(whose: str) -> list[dict[str, str]]:
    """One of each kind."""
    return [{"kind": kind, "url": f"https://papers.{whose}.example/{kind}.pdf?s=1", "name": f"{kind} of {whose}"} for kind in KINDS]


async def sold(api: Api, *vendors: str) -> tuple[str, dict[str, str]]:
    """A paid order, and the part of each vendor."""
    order_id = await placed(api, *((vendor, "paper") for vendor in vendors))
    await paid(api, order_id)
    await capture(api, order_id)
    return order_id, {sub["vendor"]: sub["id"] for sub in (await order_of(api, order_id))["sub_orders"]}


async def ship(api: Api, vendor: str, part: str, documents: Any) -> Any:
    return await api(vendor, "POST", f"/v1/vendor/orders/{part}/shipments", {"parcels": [BOX], "documents": documents})


def kinds(shown: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in shown["documents"]]


async def test_each_sees_what_concerns_it_and_no_vendor_anothers(api: Api) -> None:
    order_id, parts = await sold(api, "acme", "bolt")
    shown = await ship(api, "acme", parts["acme"], papers("acme"))
    assert (shown.status_code, shown.json()["documents"]) == (201, papers("acme"))
    assert (await ship(api, "bolt", parts["bolt"], papers("bolt"))).status_code == 201
    for vendor, other in (("acme", "bolt"), ("bolt", "acme")):
        one = await api(vendor, "GET", f"/v1/vendor/orders/{parts[vendor]}")
        listed = await api(vendor, "GET", "/v1/vendor/orders?limit=100")
        assert one.json()["documents"] == papers(vendor)
        assert next(each for each in listed.json()["data"] if each["id"] == parts[vendor])["documents"] == papers(vendor)
        assert f"papers.{other}" not in one.text + listed.text
        problem(await api(vendor, "GET", f"/v1/vendor/orders/{parts[other]}"), 404, "unknown_order")
    whole = (await api("olga", "GET", f"/v1/admin/orders/{order_id}")).json()
    assert {sub["vendor"]: sub["documents"] for sub in whole["sub_orders"]} == {"acme": papers("acme"), "bolt": papers("bolt")}
    mine = await api("ada", "GET", f"/v1/orders/{order_id}")
    assert [kinds(sub) for sub in mine.json()["sub_orders"]] == [FOR_BUYERS, FOR_BUYERS]
    others = [await api("ada", "GET", path) for path in ("/v1/orders", f"/v1/orders/{order_id}/timeline")]
    waited = await api("ada", "GET", f"/v1/orders/{order_id}", None, {"Prefer": "wait=1"})
    for seen in (mine, waited, *others):
        assert "label" not in seen.text
        assert "packing_slip" not in seen.text


async def test_an_answer_that_comes_twice_by_whatever_road_is_taken_once(api: Api) -> None:
    order_id = await placed(api, ("press", "paper"))
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit")
    await capture(api, order_id)
    await answer(api, order_id, "shipping.ship", PENDING)
    part = (await order_of(api, order_id))["sub_orders"][0]["id"]
    for name in ("first", "second"):
        await told(api, order_id, part, [Document(kind="invoice", url="https://press.example/i.pdf", name=name)])
    problem(await ship(api, "press", part, papers("press")), 409, "not_awaited")
    expected = [{"kind": "invoice", "url": "https://press.example/i.pdf", "name": "first"}]
    assert (await api("press", "GET", f"/v1/vendor/orders/{part}")).json()["documents"] == expected
    await lawful(api)


async def told(api: Api, order_id: str, part: str, documents: list[Document]) -> None:
    """By the vendor's spoke."""
    body = messages.encode(Shipped(sub_order_id=part, parcels=[Parcel(carrier="DHL", tracking_number="1")], documents=documents))
    await told_raw(api, order_id, body)


async def told_raw(api: Api, order_id: str, body: bytes) -> None:
    command_id = (await of(api, order_id, "shipping.ship"))[-1].id
    headers = {messages.COMMAND_ID: command_id, messages.EVENT_ID: subjects.event_id(command_id, "shipping.shipped")}
    heard = Heard(vendor="press", subject=subjects.event("press", "shipping.shipped"), headers=headers, body=body)
    await hear(api.wiring.database, api.wiring.timing, heard)


async def test_what_a_spoke_says_wrongly_is_kept_for_triage_and_nothing_has_left(api: Api) -> None:
    order_id = await placed(api, ("press", "paper"))
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit")
    await capture(api, order_id)
    part = (await order_of(api, order_id))["sub_orders"][0]["id"]
    bad = b'{"sub_order_id":"%s","parcels":[],"documents":[{"kind":"label","url":"https://me:secret@press.example/"}]}' % part.encode()
    await told_raw(api, order_id, bad)
    assert (await order_of(api, order_id))["sub_orders"][0]["state"] == "accepted"
    async with api.wiring.database.reading() as tx:
        details = [row.detail for row in await tx.rows(text("SELECT detail FROM dead_letters WHERE target = 'press'"))]
    assert ["$.documents[0].url" in detail for detail in details] == [True]


FINE = {"kind": "label", "url": "https://a.example/l.pdf"}


@pytest.mark.parametrize(
    ("documents", "field"),
    [
        ([FINE | {"url": "http://a.example/l.pdf"}], "/documents/0/url"),
        ([FINE, FINE | {"url": "https://me:secret@a.example/"}], "/documents/1/url"),
        ([FINE | {"url": "https://me@a.example/"}], "/documents/0/url"),
        ([FINE | {"url": "https://a.example\\@b.example/"}], "/documents/0/url"),
        ([FINE | {"url": "https:///l.pdf"}], "/documents/0/url"),
        ([FINE | {"url": "https://a.example/l.pdf\n"}], "/documents/0/url"),
        ([FINE | {"url": "https://a.example/ä"}], "/documents/0/url"),
        ([FINE | {"url": "javascript:alert(1)//https://a.example/"}], "/documents/0/url"),
        ([FINE | {"url": "https://a.example/" + "x" * 2000}], "/documents/0/url"),
        ([FINE | {"kind": "photo"}], "/documents/0/kind"),
        ([FINE | {"name": "x" * 201}], "/documents/0/name"),
        ([FINE | {"name": "a\nb"}], "/documents/0/name"),
        ([FINE | {"html": "<b>"}], "/documents/0"),
        ([FINE] * 11, "/documents"),
    ],
)
async def test_what_is_no_document_is_refused_by_its_field(api: Api, documents: Any, field: str) -> None:
    found = problem(await ship(api, "acme", "sub_none", documents), 400, "invalid_request")
    assert found["field"].startswith(field)


@pytest.mark.parametrize("url", ["https://a.example", "https://a.example:8443/x", "https://a.example?id=1", "https://a.example/l@home#2"])
async def test_a_link_is_any_of_https(api: Api, url: str) -> None:
    problem(await ship(api, "acme", "sub_none", [FINE | {"url": url}]), 404, "unknown_order")
