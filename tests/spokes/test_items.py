"""Lines of one SKU add up, and what is missing is told once, by why."""

import pytest

from spokes.items import shortfalls, units
from vendor_sdk.messages import Item, Shortfall

ITEMS = [Item(sku="mug", quantity=2), Item(sku="jar", quantity=1), Item(sku="mug", quantity=1)]


def test_lines_of_one_sku_add_up() -> None:
    assert units(ITEMS) == {"mug": 3, "jar": 1}


@pytest.mark.parametrize(
    ("there", "short"),
    [
        ({"mug": 3, "jar": 1}, []),
        ({"mug": None, "jar": None}, []),
        ({"mug": 2, "jar": 1}, [Shortfall(sku="mug", quantity=1)]),
        ({"mug": -4, "jar": None}, [Shortfall(sku="mug", quantity=3)]),
        ({"mug": 3}, [Shortfall(sku="jar", quantity=1, reason="unknown_sku")]),
    ],
)
def test_what_is_missing_is_told_once(there: dict[str, int | None], short: list[Shortfall]) -> None:
    assert shortfalls(ITEMS, there) == short
