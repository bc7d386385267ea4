"""Every operation of the vendor API has its method, and both clients ask the same."""

import inspect
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from hub.app import create_app
from hub.settings import load_settings
from hub.wiring import wire
from tests.hub_api import settings_for
from tests.vendor_sdk.client.hub import Hub, awaiting, of_both
from vendor_sdk.client.answers import Money
from vendor_sdk.client.offered import OfferRow, StockRow, Terms
from vendor_sdk.messages import Inspected, Parcel

EUR = Money(amount=1, currency="EUR")
GIVEN: dict[str, Any] = {
    "order": "sub_1",
    "sku": "mug",
    "payout": "po_1",
    "endpoint": "wep_1",
    "delivery": "whd_1",
    "letter": "dl_1",
    "figure": "acceptance",
    "replay": "whr_1",
    "reason": "out_of_stock",
    "stock": 1,
    "terms": Terms(price=EUR, stock=1),
    "parcels": [Parcel(carrier="DHL", tracking_number="1")],
    "url": "https://vendor.example.com",
    "since": datetime(2026, 1, 1, tzinfo=UTC),
    "back": "https://vendor.example.com/back",
    "again": "https://vendor.example.com/again",
    "api_key": "key_1",
    "nkey": "UABC",
    "return_id": "ret_1",
    "items": [Inspected(sku="mug", good=1)],
    "feed": "feed_1",
    "ends": datetime(2026, 2, 1, tzinfo=UTC),
    "terms_name": "terms",
    "version": "2026-01",
    "who": "Jo Fern, owner",
    "legal_name": "Fern GmbH",
    "address": "Main Street 1, Berlin",
    "country": "DE",
    "channel": "hosted",
    "report": b"{}",
}
"""An argument for each name."""
ROWS: dict[str, Any] = {
    "put_rows": [OfferRow(sku="mug", price=EUR, stock=1)],
    "count_rows": [StockRow(sku="mug", stock=1)],
    "put_together": [OfferRow(sku="mug", price=EUR, stock=1)],
}

Asked = tuple[str, str]


def methods() -> dict[str, Callable[[Any], Any]]:
    """How to call each method of each area with what it needs."""
    found: dict[str, Callable[[Any], Any]] = {}
    client = awaiting(Hub([httpx.Response(200)]))
    areas = [name for name in vars(client) if not name.startswith("_")]
    for area in areas:
        for name, method in inspect.getmembers(getattr(client, area), inspect.ismethod):
            if name.startswith("_"):
                continue
            needed = {
                each.name: ROWS[name] if each.name == "rows" else GIVEN[each.name]
                for each in inspect.signature(method).parameters.values()
                if each.default is inspect.Parameter.empty
            }
            found[f"{area}.{name}"] = lambda of, area=area, name=name, needed=needed: getattr(getattr(of, area), name)(**needed)
    return found


def offered() -> set[Asked]:
    """Every operation that the OpenAPI document has for vendors."""
    app = create_app(wire(load_settings(environ=settings_for("postgresql+asyncpg://nobody@127.0.0.1/none")), "test"))
    paths = app.openapi_schema.to_schema()["paths"]
    return {
        (verb.upper(), path)
        for path, operations in paths.items()
        if path.startswith("/v1/vendor/")
        for verb in operations
        if verb in {"get", "put", "post", "patch", "delete"}
    }


def matches(path: str, template: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(template)), path) is not None


async def test_every_operation_for_vendors_has_its_method_and_no_method_has_none() -> None:
    asked: dict[str, Asked] = {}
    for name, call in methods().items():
        (_, one), (_, other) = await of_both(lambda: Hub([httpx.Response(404)]), call)
        said = [(each.method, each.url.path, dict(each.url.params), each.content) for each in one.asked]
        assert said == [(each.method, each.url.path, dict(each.url.params), each.content) for each in other.asked], name
        assert len(said) == 1, name
        asked[name] = (said[0][0], said[0][1])
    wanted = offered()
    missing = [each for each in sorted(wanted) if not any(verb == each[0] and matches(path, each[1]) for verb, path in asked.values())]
    assert missing == [], "the hub offers what no method asks for"
    lost = {name: each for name, each in asked.items() if not any(each[0] == verb and matches(each[1], path) for verb, path in wanted)}
    assert lost == {}, "methods ask for what the hub does not offer"


async def test_every_write_carries_a_key_and_no_question_does() -> None:
    for name, call in methods().items():
        (_, one), _ = await of_both(lambda: Hub([httpx.Response(404)]), call)
        [request] = one.asked
        assert ("idempotency-key" in request.headers) is (request.method != "GET"), name
        assert request.headers["authorization"].startswith("Bearer wk_vendor_"), name


async def test_rows_beyond_what_the_hub_takes_at_once_go_in_parts_and_keep_their_index() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        rows = msgspec.json.decode(request.content)["rows"]
        problem = {"type": "/problems/unknown_offer", "status": 404, "field": f"/rows/{len(rows) - 1}/sku"}
        good = [{"index": n, "status": 200} for n in range(len(rows) - 1)]
        return httpx.Response(200, json={"data": [*good, {"index": len(rows) - 1, "status": 404, "problem": problem}], "failed": 1})

    results = await awaiting(reply).offers.count_rows([StockRow(sku=f"{n}", stock=n) for n in range(1201)])
    assert [result.index for result in results] == list(range(1201))
    assert [result.problem.field for result in results if result.problem] == ["/rows/499/sku", "/rows/999/sku", "/rows/1200/sku"]
