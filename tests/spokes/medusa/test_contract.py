"""What a Medusa server does with what the adapter asks: held against the double and, by `make test-live`, the real one alike."""

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from spokes.medusa.adapter import Medusa
from spokes.web.failures import Unsure
from tests.spokes.medusa.conftest import System
from tests.spokes.medusa.deaf import a_line
from tests.spokes.told import key, opener
from tests.vendor_sdk import orders
from vendor_sdk.errors import Rejected
from vendor_sdk.feeds import Price, Rate
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Item,
    Kept,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Released,
    Reserved,
    Restock,
    Restocked,
    Shipped,
)

CHANGES = 9
"""Reserved; drafted, converted, given back; collected, paid, packed; unpacked, canceled."""


async def until_heard(ask: Callable[[], Awaitable[object]]) -> None:
    for _ in range(2):
        with contextlib.suppress(Unsure):
            await ask()
            return
    raise AssertionError("only one answer was to be lost")


async def test_an_order_lives_from_its_reservation_to_its_arrival(system: System) -> None:
    spoke, sub, sku = system.adapter, f"s-{system.name}", await system.stock(3)
    assert isinstance(await spoke.reserve(orders.reserve(sub, sku), key(f"r-{sub}")), Reserved)
    assert await system.free(sku) == 1
    accepted = await spoke.submit(orders.submit(sub, sku), key(f"o-{sub}"))
    assert isinstance(accepted, Accepted)
    assert await system.free(sku) == 1
    order = await system.people.order(sub)
    assert (order["status"], order["payment_status"], order["fulfillment_status"]) == ("pending", "not_paid", "not_fulfilled")
    assert order["total"] == 29.99
    assert await spoke.ship(orders.ship(sub, sku), key(f"h-{sub}")) == Pending(sub_order_id=sub)
    order = await system.people.order(sub)
    assert (order["payment_status"], order["fulfillment_status"]) == ("captured", "fulfilled")
    assert await spoke.ship(orders.ship(sub, sku), key(f"h-{sub}", attempt=2)) == Pending(sub_order_id=sub)
    await system.people.send(sub, "T1", "T2")
    parcels = [Parcel(carrier="manual_manual", tracking_number=number) for number in ("T1", "T2")]
    shipped = await spoke.ship(orders.ship(sub, sku), key(f"h-{sub}", attempt=3))
    assert isinstance(shipped, Shipped)
    assert sorted(shipped.parcels, key=lambda parcel: parcel.tracking_number) == parcels
    assert await spoke.track(orders.track(sub), key(f"t-{sub}")) == Pending(sub_order_id=sub)
    assert await spoke.recall(orders.recall(sub, f"o-{sub}"), key(f"c-{sub}")) == Kept(sub_order_id=sub)
    await system.people.deliver(sub)
    assert await spoke.track(orders.track(sub), key(f"t-{sub}")) == Delivered(sub_order_id=sub)
    assert await spoke.submit(orders.submit(sub, sku), key(f"o-{sub}", attempt=2)) == accepted
    assert len((await system.people.order(sub))["fulfillments"]) == 1
    assert await system.free(sku) == 1


async def test_what_is_released_is_free_again(system: System) -> None:
    spoke, sub, sku = system.adapter, f"s-{system.name}", await system.stock(2)
    for attempt in (1, 2):
        assert isinstance(await spoke.reserve(orders.reserve(sub, sku), key(f"r-{sub}", attempt)), Reserved)
    assert isinstance(await spoke.reserve(orders.reserve(f"{sub}-2", sku, 1), key(f"r-{sub}-2")), Refused)
    for attempt in (1, 2):
        assert isinstance(await spoke.release(orders.release(sub, f"r-{sub}"), key(f"l-{sub}", attempt)), Released)
    assert await system.free(sku) == 2
    assert isinstance(await spoke.reserve(orders.reserve(sub, sku), key(f"r-{sub}", 3)), Refused), "what was given back is not taken again"


async def test_an_order_that_is_recalled_before_it_leaves_gives_all_back(system: System) -> None:
    spoke, sub, sku = system.adapter, f"s-{system.name}", await system.stock(2)
    await spoke.reserve(orders.reserve(sub, sku), key(f"r-{sub}"))
    assert isinstance(await spoke.submit(orders.submit(sub, sku), key(f"o-{sub}")), Accepted)
    assert isinstance(await spoke.ship(orders.ship(sub, sku), key(f"h-{sub}")), Pending)
    for attempt in (1, 2):
        assert isinstance(await spoke.recall(orders.recall(sub, f"o-{sub}"), key(f"c-{sub}", attempt)), Recalled)
    assert (await system.people.order(sub))["status"] == "canceled"
    assert await system.free(sku) == 2
    with pytest.raises(Rejected):
        await spoke.ship(orders.ship(sub, sku), key(f"h-{sub}", attempt=2))
    assert isinstance(await spoke.submit(orders.submit(sub, sku), key(f"o-{sub}", attempt=2)), Declined)


async def test_the_last_units_go_to_who_has_reserved_them(system: System) -> None:
    spoke, sub, sku = system.adapter, f"s-{system.name}", await system.stock(2)
    await spoke.reserve(orders.reserve(sub, sku), key(f"r-{sub}"))
    assert isinstance(await spoke.submit(orders.submit(f"{sub}-2", sku, 1), key(f"o-{sub}-2")), Declined)
    assert isinstance(await spoke.submit(orders.submit(sub, sku), key(f"o-{sub}")), Accepted)
    assert await system.free(sku) == 0


@pytest.mark.parametrize("units", [4, 2])
async def test_whichever_answer_to_a_change_is_lost_it_is_done_once(system: System, tmp_path: Path, units: int) -> None:
    """A life for each of them, with room for order and reservation beside each other and without."""
    sku = await system.stock(units)
    config = {**system.settings, "allow_private": True, "settle": 0}
    async with a_line(system.url) as line, opener(Medusa, {**config, "url": line.url}, tmp_path / "deaf") as open_spoke:
        spoke = await open_spoke()
        for change in range(CHANGES + 1):
            sub = f"s-{system.name}-{change}"
            line.lose(change)
            await until_heard(lambda sub=sub: spoke.reserve(orders.reserve(sub, sku), key(f"r-{sub}")))
            await until_heard(lambda sub=sub: spoke.submit(orders.submit(sub, sku), key(f"o-{sub}")))
            await until_heard(lambda sub=sub: spoke.ship(orders.ship(sub, sku), key(f"h-{sub}")))
            order = await system.people.order(sub)
            assert (order["payment_status"], order["fulfillment_status"], len(order["fulfillments"])) == ("captured", "fulfilled", 1)
            assert await system.free(sku) == units - 2
            await until_heard(lambda sub=sub: spoke.recall(orders.recall(sub, f"o-{sub}"), key(f"c-{sub}")))
            assert (await system.people.order(sub))["status"] == "canceled"
            assert await system.free(sku) == units
    assert line.lost == CHANGES


async def test_two_lines_of_one_sku_keep_their_prices_and_add_up(system: System) -> None:
    spoke, sub, sku = system.adapter, f"s-{system.name}", await system.stock(3)
    submit = orders.submit(sub, sku, 2)
    cheaper = replace(submit.items[0], unit_price=1000, quantity=1)
    assert isinstance(await spoke.submit(replace(submit, items=[*submit.items, cheaper]), key(f"o-{sub}")), Accepted)
    assert (await system.people.order(sub))["total"] == 39.99
    assert await system.free(sku) == 0
    again = replace(submit, sub_order_id=f"{sub}-2", items=[replace(cheaper), cheaper])
    assert isinstance(await spoke.submit(again, key(f"o-{sub}-2")), Declined)


async def test_what_came_back_is_counted_once_and_all_that_is_sold_is_told(system: System) -> None:
    spoke, sku = system.adapter, await system.stock(2)
    restock = Restock(sub_order_id="s1", return_id="r1", items=[Item(sku=sku, quantity=3)])
    for attempt in (1, 2):
        assert isinstance(await spoke.restock(restock, key(f"b-{system.name}", attempt)), Restocked)
    assert await system.free(sku) == 5
    (offer,) = [offer async for offer in spoke.full() if offer.sku == sku]
    assert (offer.price.amount, offer.price.currency, offer.state) == (1250, "EUR", "active")
    assert offer.product is not None
    assert (offer.product.title, offer.product.category) == (sku.title(), "general")


async def test_the_server_says_no_in_these_words(system: System) -> None:
    """The double is held to what the adapter reads of a refusal."""
    spoke, people, sub, sku = system.adapter, system.people, f"s-{system.name}", await system.stock(3)
    await spoke.submit(orders.submit(sub, sku), key(f"o-{sub}"))
    order = await people.order(sub)
    at, items = f"/admin/orders/{order['id']}", [{"id": item["id"], "quantity": item["quantity"]} for item in order["items"]]
    location, channel = system.settings["location"], system.settings["sales_channel"]
    query = {"sku[0]": sku, "limit": "1", "fields": "id,inventory_items.inventory_item_id"}
    variant = (await people.must("GET", "/admin/product-variants", None, query))["variants"][0]
    item = variant["inventory_items"][0]["inventory_item_id"]

    async def refused(path: str, body: dict[str, Any], method: str = "POST") -> tuple[int, str, str]:
        status, said = await people.ask(method, path, None if method == "GET" else body)
        return status, said["type"], said["message"].split(item)[0].replace(order["id"], "ID")

    too_many = {"location_id": location, "inventory_item_id": item, "quantity": 2, "description": "x"}
    assert await refused("/admin/reservations", too_many) == (400, "not_allowed", "Not enough stock available for item ")
    line = {"variant_id": variant["id"], "title": "Mug", "quantity": 2, "unit_price": "1.00"}
    draft: dict[str, Any] = {
        "region_id": system.settings["region"],
        "sales_channel_id": channel,
        "items": [line],
        "shipping_methods": [],
        "metadata": {},
    }
    assert await refused("/admin/draft-orders", draft) == (400, "not_allowed", "Some variant does not have the required inventory")
    again = f"/admin/draft-orders/{order['id']}/convert-to-order"
    assert await refused(again, {}) == (400, "invalid_data", "Order ID is not a draft order")
    assert await refused("/admin/orders/order_none", {}, "GET") == (404, "not_found", "Order id not found: order_none")
    await people.must("POST", f"{at}/fulfillments", {"items": items, "location_id": location})
    fulfillment = (await people.order(sub))["fulfillments"][0]["id"]
    unpacked = "All fulfillments must be canceled before canceling an order"
    assert await refused(f"{at}/cancel", {}) == (400, "not_allowed", unpacked)
    await people.must("POST", f"{at}/fulfillments/{fulfillment}/cancel", {})
    already = "The fulfillment is already canceled"
    assert await refused(f"{at}/fulfillments/{fulfillment}/cancel", {}) == (400, "not_allowed", already)
    await people.must("POST", f"{at}/cancel", {})
    canceled = "Order with id ID has been canceled."
    assert await refused(f"{at}/cancel", {}) == (400, "invalid_data", canceled)
    assert await refused(f"{at}/fulfillments", {"items": items, "location_id": location}) == (400, "invalid_data", canceled)
    assert (await people.order(sub))["fulfillment_status"] == "canceled"


async def test_the_options_of_a_service_zone_are_its_rates(system: System) -> None:
    [rate] = await system.adapter.rates()
    assert rate == Rate(code=system.settings["shipping_option"].lower(), name="Post", price=Price(amount=499, currency="EUR"), days=5)
