"""What a vendor's files say of its catalog and stock is told to the hub."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.spokes.flatfile.conftest import Open, looked
from tests.spokes.flatfile.vendor import Vendor
from tests.spokes.told import key
from tests.vendor_sdk import orders
from vendor_sdk.feeds import Described, Level, Offered


class Heard:
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
