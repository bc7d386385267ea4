"""Every operation of the vendor API with the ids of another vendor: nothing read, nothing changed, each attempt recorded.

The operations come from the OpenAPI document: a new one is covered by itself, or fails here until it is said how to try it.
"""

import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from hub.letters.keep import Given, keep
from hub.ops.fence import OWNERS, owner_of
from hub.runtime.database import Tx
from hub.runtime.nkeys import new_seed, public_of
from hub.wiring import tables
from tests.hub_api import ADDRESS, Api, api
from tests.problem import problem

__all__ = ["api"]

OWN = {"sku", "name", "figure", "feed_id"}
"""Parameters that name something within the vendor's own, so that there is no other's to name."""

MARK = "Ada of the secret street"

BODIES: dict[str, Any] = {
    "/accept": {},
    "/decline": {"reason": "out_of_stock"},
    "orders/{sub_order_id}/delivery": {},
    "orders/{sub_order_id}/recall": {"stopped": True},
    "/shipments": {"parcels": [{"carrier": "dhl", "tracking_number": "1"}]},
    "/refunds": {"reason": "goodwill"},
    "returns/{return_id}/authorize": {},
    "returns/{return_id}/refuse": {"reason": "not_returnable"},
    "returns/{return_id}/receive": {"items": [{"sku": "pin", "good": 1}]},
    "dead-letters/{letter_id}/replay": {"reason": "again"},
    "PATCH /v1/vendor/webhook-endpoints/{endpoint_id}": {"description": "mine now"},
    "webhook-endpoints/{endpoint_id}/keys": {},
    "webhook-endpoints/{endpoint_id}/replays": {"since": "2026-01-01T00:00:00Z"},
}
"""What goes with an operation that takes a body, by the end of its name; others take none."""

FILL = """
INSERT INTO payouts (id, vendor, gateway, account, state, amount, currency, step_id, requested_by)
    VALUES (:pyt, 'bolt', 'stripe', 'acct_bolt', 'failed', 100, 'EUR', 'cmd_of_bolt', 'bolt');
INSERT INTO webhook_events (id, vendor, type, thin, occurred_at) VALUES ('evt_of_bolt', 'bolt', 'order.placed', '{}', now());
INSERT INTO webhook_deliveries (id, event_id, endpoint_id, vendor, type, key, position)
    VALUES (:whd, 'evt_of_bolt', :wep, 'bolt', 'order.placed', 'k', 1);
INSERT INTO webhook_replays (id, endpoint_id, vendor, since) VALUES (:whr, :wep, 'bolt', now());
INSERT INTO returns (id, order_id, sub_order_id, vendor, state, pays_shipping) VALUES (:ret, :ord, :sub, 'bolt', 'requested', 'buyer')
"""


@pytest_asyncio.fixture(scope="module")
async def bolts(api: Api) -> AsyncGenerator[dict[str, str]]:
    """An id of everything that is bolt's, by the name of the parameter that would name it."""
    offer = await api.offer("pin", vendor="bolt")
    cart = await api.cart("ada", lines={offer: 1})
    quote = (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": {**ADDRESS, "name": MARK}})).json()
    order = await api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
    assert order.status_code == 201, order.text
    endpoint = await api("bolt", "POST", "/v1/vendor/webhook-endpoints", {"url": "https://bolt.example/hooks"})
    assert endpoint.status_code == 201, endpoint.text
    nkey = await api("bolt", "POST", "/v1/vendor/nkeys", {"nkey_public": public_of(new_seed())})
    assert nkey.status_code == 201, nkey.text
    key = (await api("bolt", "GET", "/v1/vendor/keys")).json()["data"][0]
    async with api.wiring.database.tx() as tx:
        made = {prefix: tx.ids.new(prefix) for prefix in ("pyt", "whd", "whr", "ret")} | {"wep": endpoint.json()["endpoint"]["id"]}
        made |= {"ord": order.json()["id"], "sub": order.json()["sub_orders"][0]["id"]}
        for statement in FILL.split(";"):
            names = set(re.findall(r":(\w+)", statement))
            await tx.execute(text(statement), {name: made[name] for name in names})
        made["dl"] = await letter_of_bolt(tx)
    yield {
        "sub_order_id": order.json()["sub_orders"][0]["id"],
        "payout_id": made["pyt"],
        "letter_id": made["dl"],
        "delivery_id": made["whd"],
        "endpoint_id": made["wep"],
        "replay_id": made["whr"],
        "return_id": made["ret"],
        "key_id": key["id"],
        "nkey": nkey.json()["nkey_public"],
        "offer": offer,
    }


async def letter_of_bolt(tx: Tx) -> str:
    """A dead letter that bolt's system left behind."""
    given = Given(source="event", identity="event:bolt:1", target="bolt", kind="x", reason="malformed", detail="x", headers={}, payload="x")
    await keep(tx, given)
    return str(await tx.scalar(text("SELECT id FROM dead_letters WHERE target = 'bolt'")))


def operations(api: Api) -> list[tuple[str, str]]:
    """(method, path) of every operation of the vendor API."""
    document = api.app.openapi_schema.to_schema()["paths"]
    return [
        (method.upper(), path)
        for path, item in sorted(document.items())
        if path.startswith("/v1/vendor/")
        for method in item
        if method in {"get", "put", "post", "patch", "delete"}
    ]


def body_of(method: str, path: str) -> Any:
    return next((body for end, body in BODIES.items() if f"{method} {path}".endswith(end)), None)


async def everything(api: Api) -> dict[str, str]:
    """All rows of all tables, but for who used which key when and what was tried in vain."""
    async with api.wiring.database.reading() as tx:
        return {
            name: str(await tx.scalar(text(f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {name} t")))  # names of our own tables
            for name in tables().tables
            if name not in {"api_keys", "trespasses"}
        }


async def attempts(api: Api) -> int:
    """How many attempts of acme are recorded."""
    kept = (await api("olga", "GET", "/v1/admin/trespasses?who=vendor:acme")).json()["data"]
    return sum(each["attempts"] for each in kept)


async def test_no_operation_gives_or_moves_what_is_anothers_and_each_attempt_is_recorded(api: Api, bolts: dict[str, str]):
    tried = 0
    for method, path in operations(api):
        names = [name for name in re.findall(r"\{(\w+)\}", path) if name not in OWN]
        if not names:
            continue
        assert bolts.keys() >= set(names), f"say here how {path} is tried with another vendor's id"
        before, known = await everything(api), await attempts(api)
        foreign = path.format_map(bolts)
        answer = await api("acme", method, foreign, body_of(method, path))
        assert answer.status_code == 404, f"{method} {path}: {answer.text} (a body for it may be missing in BODIES)"
        assert MARK not in answer.text
        assert await everything(api) == before, f"{method} {path} changed something"
        assert await attempts(api) == known + 1, f"{method} {path} was not recorded: whose are its ids, in hub.ops.fence.OWNERS?"
        tried += 1
    assert tried > 20


async def test_no_list_shows_what_is_anothers(api: Api, bolts: dict[str, str]):
    for method, path in operations(api):
        if method == "GET" and "{" not in path:
            answer = await api("acme", method, path)
            told = [name for name, value in bolts.items() if value in answer.text]
            assert told == [], f"{path} shows another vendor's {told}"
            assert MARK not in answer.text


async def test_an_id_of_anothers_in_a_body_is_recorded_too(api: Api, bolts: dict[str, str]):
    before, known = await everything(api), await attempts(api)
    problem(await api("acme", "POST", "/v1/vendor/keys", {"replaces": bolts["key_id"]}), 404, "unknown_key", "/replaces")
    assert (await everything(api), await attempts(api)) == (before, known + 1)
    latest = (await api("olga", "GET", "/v1/admin/trespasses?who=vendor:acme")).json()["data"][0]["latest"]
    assert latest == f"POST /v1/vendor/keys: {bolts['key_id']} of bolt"


async def test_own_endpoints_open_no_way_to_anothers(api: Api, bolts: dict[str, str]):
    mine = (await api("acme", "POST", "/v1/vendor/webhook-endpoints", {"url": "https://acme.example/hooks"})).json()["endpoint"]["id"]
    known = await attempts(api)
    problem(await api("acme", "GET", f"/v1/vendor/webhook-endpoints/{mine}/replays/{bolts['replay_id']}"), 404, "unknown_replay")
    assert await attempts(api) == known + 1


async def test_an_idempotency_key_of_anothers_answers_nothing(api: Api, bolts: dict[str, str]):
    once = {"Idempotency-Key": "the same"}
    first = await api("bolt", "POST", "/v1/vendor/keys", {"name": "mine"}, once)
    second = await api("acme", "POST", "/v1/vendor/keys", {"name": "mine"}, once)
    assert "idempotent-replayed" not in second.headers
    assert first.json()["id"] != second.json()["id"]
    assert not {key["id"] for key in first.json()["live"]} & {key["id"] for key in second.json()["live"]}
    assert bolts["key_id"] not in second.text


async def test_a_cursor_of_anothers_leads_into_ones_own(api: Api, bolts: dict[str, str]):
    for sku in ("a", "b"):
        await api.offer(sku, vendor="bolt")
    cursor = (await api("bolt", "GET", "/v1/vendor/offers?limit=1")).json()["next_cursor"]
    answer = await api("acme", "GET", f"/v1/vendor/offers?limit=100&cursor={cursor}")
    assert answer.status_code == 200
    assert bolts["offer"] not in answer.text


async def test_what_does_not_exist_or_is_ones_own_is_no_attempt(api: Api, bolts: dict[str, str]):
    known = await attempts(api)
    made_up = bolts["sub_order_id"][:-3] + "zzz"
    for path in (f"orders/{made_up}", "orders/sub_1", "offers/pin", "dead-letters/%C3%A9", "payouts/" + "x" * 60):
        assert (await api("acme", "GET", f"/v1/vendor/{path}")).status_code == 404
    assert (await api("bolt", "GET", f"/v1/vendor/orders/{bolts['sub_order_id']}")).status_code == 200
    assert await attempts(api) == known


async def test_a_flood_moves_one_number(api: Api, bolts: dict[str, str]):
    for _ in range(20):
        await api("acme", "GET", f"/v1/vendor/orders/{bolts['sub_order_id']}")
    async with api.wiring.database.reading() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM trespasses WHERE who LIKE '%acme' AND what = 'http'")) == 1
    metrics: httpx.Response = await api("olga", "GET", "/metrics")
    [line] = [line for line in metrics.text.splitlines() if line.startswith("wheelwright_trespasses{")]
    assert float(line.rpartition(" ")[2]) == await attempts(api)


@pytest.mark.parametrize("prefix", sorted(OWNERS))
async def test_owners_are_looked_up_in_tables_that_exist(api: Api, prefix: str):
    async with api.wiring.database.reading() as tx:
        assert await owner_of(tx, f"{prefix}_{'0' * 26}") is None
        assert await owner_of(tx, "zzz_none") is None
