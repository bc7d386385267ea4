"""Vendors with how they ship, and carts with what is in them, are read in one look: nobody and nothing is lost or doubled by it."""

import pytest

from hub.cart.store import gathered
from hub.liveness.presence import presences, shippers
from hub.liveness.rules import Watch
from tests.hub_api import Api

WATCH = Watch()


@pytest.fixture(autouse=True)
async def three_ways(api: Api) -> None:
    """Acme ships in three ways, two of them for the same price; bolt in none."""
    await api.sql("DELETE FROM vendor_shipping_options")
    ways = ("'slow', 'Slow', 300, 9", "'post', 'Post', 490, 3", "'air', 'Air', 490, 1")
    for way in ways:
        code, name, price, days = way.split(", ")
        row = f"'acme', {code}, {name}, {price}, 'EUR', {days}"
        await api.sql(f"INSERT INTO vendor_shipping_options (vendor, code, name, price, currency, days) VALUES ({row})")


async def test_ways_stand_cheapest_first_and_a_vendor_without_any_is_there(api: Api) -> None:
    async with api.wiring.database.reading() as tx:
        found = await shippers(tx, WATCH, ["bolt", "acme", "acme", "nobody"])
        known = await presences(tx, WATCH, ["acme", "bolt"])
    assert {code: [option.code for option in vendor.options] for code, vendor in found.items()} == {
        "acme": ["slow", "air", "post"],
        "bolt": [],
    }
    assert {code: vendor.presence for code, vendor in found.items()} == known


async def test_carts_keep_their_lines_apart_and_in_order(api: Api) -> None:
    mug, tray, lamp = await api.offer("mug"), await api.offer("tray2"), await api.offer("lamp3")
    first, second, empty = await api.cart(), await api.cart(), await api.cart()
    for cart, offer, quantity in ((first, tray, 1), (first, mug, 2), (second, mug, 3), (second, lamp, 4)):
        assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": quantity})).status_code == 200
    await api.sql(f"UPDATE offers SET state = 'paused' WHERE id = '{lamp}'")
    async with api.wiring.database.reading() as tx:
        found = await gathered(tx, [second, first, first, empty, "cart_none"])
    assert {cart: [(offer.id, quantity) for offer, quantity in each.lines] for cart, each in found.items()} == {
        first: [(tray, 1), (mug, 2)],
        second: [(mug, 3), (lamp, 4)],
        empty: [],
    }
    assert {each.cart.id for each in found.values()} == {first, second, empty}
