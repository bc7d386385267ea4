"""What a vendor's files say of its catalog, stock and rates is told to the hub."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.spokes.flatfile.conftest import Open, looked
from tests.spokes.flatfile.vendor import Vendor
from tests.spokes.told import key
from tests.vendor_sdk import orders
from vendor_sdk.adapter import Unheard
from vendor_sdk.feeds import Described, Level, Offered, Price, Rate


class Heard(Unheard):
    """What is told at once."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    async def changed(self, offers: Sequence[Offered] = (), withdrawn: Sequence[str] = (), *, at: datetime | None = None) -> list[str]:
        del at
        self.told.append(("changed", ([each.sku for each in offers], list(withdrawn))))
        return []

    async def counted(self, levels: Sequence[Level], *, at: datetime | None = None) -> list[str]:
        del at
        self.told.append(("counted", {each.sku: each.stock for each in levels}))
        return []

    async def rated(self, rates: Sequence[Rate], *, at: datetime | None = None) -> list[str]:
        del at
        self.told.append(("rated", {each.code: each.price.amount for each in rates}))
        return []


async def test_what_a_catalog_says_is_told_at_once_and_again(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop(category="kitchen")
    shop.feeds = heard = Heard()
    header = "sku,title,price,currency,category,description\n"
    vendor.put("catalog-1.csv", f'{header}mug,Mug,12.50,EUR,Hot Drinks,"two\nlines"\ncup,Cup,3,EUR,,\nbox,Box,4,EUR,,\n')
    await looked(shop)
    vendor.put("catalog-2.csv", f"{header}mug,Mug,13,EUR,,\ncup,Cup,oops,EUR,,\n")
    await looked(shop)
    vendor.put("catalog-3.csv", f"{header}mug,Mug,13,EUR,,\ncup,Cup,3,EUR,,\n")
    await looked(shop)
    everything: tuple[list[str], list[str]] = (["box", "cup", "mug"], [])
    assert heard.told == [("changed", everything), ("changed", everything), ("changed", (["cup", "mug"], ["box"]))], "a row was wrong"
    cup, mug = [each async for each in shop.full()]
    assert (mug.price.amount, cup.product, mug.product) == (
        1300,
        Described(title="Cup", category="kitchen"),
        Described(title="Mug", category="kitchen"),
    )


async def test_what_is_free_is_told_at_once_and_again(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    shop.feeds = heard = Heard()
    vendor.put("stock-1.csv", "sku,quantity\nmug,5\ncup,2\n")
    await looked(shop)
    await shop.reserve(orders.reserve("s1", quantity=3), key("r1"))
    assert {each.sku: each.stock async for each in shop.levels()} == {"mug": 2, "cup": 2}
    vendor.put("stock-2.csv", "sku,quantity\nmug,4\n")
    await looked(shop)
    assert heard.told == [("counted", {"mug": 5, "cup": 2}), ("counted", {"mug": 1, "cup": 2})]
    vendor.put("stock-3.csv", "sku,quantity\nmug,none\n")
    await looked(shop)
    assert len(heard.told) == 2


RATES = "code,name,price,currency,days\n"


async def test_by_what_a_vendor_ships_is_told_at_once_and_again(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    assert await shop.rates() == []
    shop.feeds = heard = Heard()
    vendor.put("rates-1.csv", f'{RATES}Post,"Post, tracked","4,90",eur,3\npickup,Pick up,0,EUR,0\nslow,Slow,1.00,EUR,365\n')
    await looked(shop)
    vendor.put("rates-2.csv", f"{RATES}post,Post,5.20,EUR,3\npickup,Pick up,0,EUR,soon\n")
    await looked(shop)
    vendor.put("rates-3.csv", f"{RATES}post,Post,5.20,EUR,2\npickup,Pick up,0,EUR,0\n")
    await looked(shop)
    whole = {"pickup": 0, "post": 490, "slow": 100}
    assert heard.told == [("rated", whole), ("rated", whole | {"post": 520}), ("rated", {"pickup": 0, "post": 520})], "a row was wrong"
    assert await shop.rates() == [
        Rate(code="pickup", name="Pick up", price=Price(amount=0, currency="EUR"), days=0),
        Rate(code="post", name="Post", price=Price(amount=520, currency="EUR"), days=2),
    ]


async def test_a_bad_rate_is_said_by_line_and_field_and_the_rest_is_loaded(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.put(
        "rates.csv", f"{RATES}post,Post,4.90,EUR,3\n,Post,1,EUR,1\nby air,Air,1,EUR,1\nair,,1,EUR,1\nair,Air,-1,EUR,1\nair,Air,1,EUR,366\n"
    )
    await looked(shop)
    assert [each[:2] for each in vendor.report()[1:]] == [("3", "code"), ("4", "code"), ("5", "name"), ("6", "price"), ("7", "days")]
    assert [rate.code for rate in await shop.rates()] == ["post"]


async def test_more_ways_than_can_be_told_are_said_and_other_twenty_take_the_place_of_twenty(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    for number, first in enumerate((0, 100)):
        ways = "".join(f"way-{first + way},Way,1,EUR,1\n" for way in range(21 - number))
        vendor.put(f"rates-{number}.csv", RATES + ways)
        await looked(shop)
    assert vendor.report(which=0) == [
        ("0", "", "20 rows loaded, 1 not"),
        ("22", "code", "there are 20 others, and no more can be told"),
    ]
    assert {rate.code for rate in await shop.rates()} == {f"way-{100 + way}" for way in range(20)}
