"""What a vendor that is down means for what is sold, by each policy; and who may look."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text

from hub.app import create_app
from hub.settings import load_settings
from hub.wiring import timing
from tests.hub_api import ADDRESS, Api, serving, settings_for
from tests.problem import problem


@pytest_asyncio.fixture(autouse=True)
async def acme_has_a_spoke(api: Api) -> None:
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE vendors SET nkey_public = 'U', capabilities = '{stock,orders,shipping}' WHERE code = 'acme'"))
    await silent(api, 0)


async def silent(api: Api, seconds: float, stock: str = "closed") -> None:
    """Acme has been silent for so long, with its stock's breaker like this, and we have been listening."""
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("DELETE FROM vendor_liveness"))
        await tx.execute(
            text("INSERT INTO vendor_liveness (vendor, boot_id, since, seen_at) VALUES ('@hub', '', now() - interval '1 day', now())")
        )
        heard = text(
            "INSERT INTO vendor_liveness (vendor, boot_id, since, seen_at, breakers, oldest_seconds)"
            " VALUES ('acme', 'b', now() - interval '1 day', now() - make_interval(secs => :s),"
            " jsonb_build_object('stock', CAST(:stock AS text)), 7)"
        )
        await tx.execute(heard.bindparams(s=seconds, stock=stock))


async def under(api: Api, policy: str) -> Api:
    """The same hub with another policy."""
    policies = {f"WHEELWRIGHT__ORDERS__WHEN_{trouble}": policy for trouble in ("VENDOR_IS_DOWN", "BREAKER_IS_OPEN")}
    environment = settings_for(str(api.wiring.settings.database.url), **policies)
    settings = load_settings(environ=environment)
    wiring = msgspec.structs.replace(api.wiring, settings=settings, timing=timing(settings))
    app = create_app(wiring)
    return Api(app, wiring, serving(app), api.keys)


@pytest_asyncio.fixture
async def hub(api: Api, policy: str) -> AsyncGenerator[Api]:
    found = await under(api, policy)
    yield found
    await found.http.aclose()


async def offers_of(hub: Api, offer_id: str) -> list[dict[str, Any]]:
    found = (await hub("", "GET", "/v1/search?q=lamp")).json()["data"]
    product = (await hub("", "GET", f"/v1/products/{found[0]['id']}")).json()
    shown = [offer for variant in product["variants"] for offer in variant["offers"]]
    best = found[0]["best_offer"]
    assert best == (shown[0] if shown else None)
    return [offer for offer in shown if offer["id"] == offer_id]


async def quoted(hub: Api, offer_id: str) -> Any:
    cart = await hub.cart()
    put = await hub("ada", "PUT", f"/v1/carts/{cart}/lines/{offer_id}", {"quantity": 1})
    assert put.status_code == 200, put.text
    return await hub("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})


@pytest.mark.parametrize(("policy", "delivery", "days"), [("sell", "normal", [3, 1]), ("delay", "delayed", [5, 3])])
async def test_down_it_is_sold_all_the_same(api: Api, hub: Api, delivery: str, days: list[int]):
    offer = await api.offer("lamp")
    assert (await offers_of(hub, offer))[0]["delivery"] == "normal"
    await silent(api, 61)
    assert (await offers_of(hub, offer))[0]["delivery"] == delivery
    [part] = (quote := (await quoted(hub, offer)).json())["parts"]
    assert (part["delivery"], [option["days"] for option in part["shipping_options"]]) == (delivery, days)
    placed = await hub("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
    assert placed.status_code == 201, placed.text


@pytest.mark.parametrize("policy", ["hide"])
async def test_down_it_is_hidden_and_not_sold(api: Api, hub: Api):
    offer = await api.offer("lamp")
    quote = (await quoted(hub, offer)).json()
    await silent(api, 61)
    assert await offers_of(hub, offer) == []
    problem(await quoted(hub, offer), 409, "offer_unavailable")
    order = {"quote_id": quote["id"], "payment_method": "pm_card_visa"}
    problem(await hub("ada", "POST", "/v1/orders", order), 409, "offer_unavailable")
    await silent(api, 0)
    assert (await hub("ada", "POST", "/v1/orders", order)).status_code == 201


@pytest.mark.parametrize(("policy", "delivery", "days"), [("sell", "normal", [3, 1]), ("delay", "delayed", [4, 2])])
async def test_with_an_open_breaker_it_is_sold_all_the_same(api: Api, hub: Api, delivery: str, days: list[int]):
    offer = await api.offer("lamp")
    await silent(api, 0, stock="open")
    assert (await offers_of(hub, offer))[0]["delivery"] == delivery
    [part] = (quote := (await quoted(hub, offer)).json())["parts"]
    assert (part["delivery"], [option["days"] for option in part["shipping_options"]]) == (delivery, days)
    placed = await hub("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
    assert placed.status_code == 201, placed.text


@pytest.mark.parametrize("policy", ["hide"])
async def test_with_an_open_breaker_it_is_hidden_until_a_trial_may_pass(api: Api, hub: Api):
    offer = await api.offer("lamp")
    quote = (await quoted(hub, offer)).json()
    await silent(api, 0, stock="open")
    assert await offers_of(hub, offer) == []
    order = {"quote_id": quote["id"], "payment_method": "pm_card_visa"}
    problem(await hub("ada", "POST", "/v1/orders", order), 409, "offer_unavailable")
    await silent(api, 0, stock="half-open")
    assert len(await offers_of(hub, offer)) == 1
    assert (await hub("ada", "POST", "/v1/orders", order)).status_code == 201


@pytest.mark.parametrize("policy", ["hide"])
async def test_a_vendor_by_hand_and_a_degraded_one_are_sold(api: Api, hub: Api):
    await silent(api, 59)
    for vendor in ("acme", "bolt"):
        answer = await quoted(hub, await api.offer(f"chair-{vendor}", vendor=vendor))
        assert answer.json()["parts"][0]["delivery"] == "normal"


@pytest.mark.parametrize("policy", ["delay"])
async def test_of_two_the_one_that_delivers_comes_first(api: Api, hub: Api):
    cheap = await api.offer("clock", price=900)
    product = (await hub("", "GET", "/v1/search?q=clock")).json()["data"][0]["id"]
    variant = (await hub("", "GET", f"/v1/products/{product}")).json()["variants"][0]["id"]
    other = await api.offer("uhr", vendor="bolt", price=1000, product=None, variant_id=variant)

    async def order() -> list[str]:
        return [offer["id"] for offer in (await hub("", "GET", f"/v1/products/{product}")).json()["variants"][0]["offers"]]

    assert await order() == [cheap, other]
    await silent(api, 61)
    assert await order() == [other, cheap]


async def test_operators_see_all_and_a_vendor_itself(api: Api):
    await silent(api, 20, stock="open")
    view = (await api("olga", "GET", "/v1/admin/vendors/acme/liveness")).json()
    assert {name: view[name] for name in ("vendor", "health", "breakers", "busy", "oldest_seconds")} == {
        "vendor": "acme",
        "health": "degraded",
        "breakers": {"stock": "open"},
        "busy": False,
        "oldest_seconds": 7.0,
    }
    assert (await api("olga", "GET", "/v1/admin/liveness")).json() == {"data": [view], "next_cursor": None}
    assert (await api("acme", "GET", "/v1/vendor/liveness")).json() == view
    assert (await api("bolt", "GET", "/v1/vendor/liveness")).json()["health"] is None
    problem(await api("olga", "GET", "/v1/admin/vendors/nobody/liveness"), 404, "unknown_vendor")
    problem(await api("acme", "GET", "/v1/admin/liveness"), 403, "not_allowed")


async def test_metrics_say_the_same_to_machines(api: Api):
    await silent(api, 61, stock="open")
    await api("ada", "GET", "/v1/orders/ord_nothing")
    answer = await api("olga", "GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    for line in (
        'wheelwright_vendor_up{vendor="acme"} 0',
        'wheelwright_breaker_state{vendor="acme",capability="stock"} 2',
        'wheelwright_vendor_oldest_step_seconds{vendor="acme"} 7',
        "# TYPE wheelwright_dead_letters_open gauge",
        "# TYPE wheelwright_gateway_up gauge",
    ):
        assert line in lines, answer.text
    assert any(line.startswith('wheelwright_http_requests_total{method="GET",status="404"} ') for line in lines)
    total = next(line for line in lines if line.startswith("wheelwright_http_request_seconds_count"))
    assert f'wheelwright_http_request_seconds_bucket{{le="+Inf"}} {total.split()[1]}' in lines
    problem(await api("ada", "GET", "/metrics"), 403, "not_allowed")
