"""Owns the form of the recorded orders: reads `items.csv` and `vendors.csv`, refuses whatever is not as agreed."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from hub.kernel import money

CURRENCY = "BRL"
ITEMS, VENDORS = "items.csv", "vendors.csv"
ITEM_COLUMNS = ("order_id", "line", "product_id", "vendor_id", "ship_by", "price", "freight")
VENDOR_COLUMNS = ("vendor_id", "postal_prefix", "city", "state")
_ID = re.compile(r"[0-9a-z_-]{1,60}")
_AMOUNT = re.compile(r"\d{1,9}\.\d\d")


class BadFile(RuntimeError):
    """A file is not as agreed; the text names file, line and column."""


def code_of(vendor: str) -> str:
    """A vendor's code in the hub: begins with a letter, as codes must."""
    return f"v-{vendor}"


class Good(msgspec.Struct, frozen=True, order=True):
    """What one offer is made of; `price` and `freight` are of one unit, in minor units."""

    vendor: str
    product: str
    price: int
    freight: int

    @property
    def sku(self) -> str:
        """The vendor's own name for it: the same product at another price is another offer."""
        return f"{self.product}-{self.price}-{self.freight}"

    @property
    def code(self) -> str:
        """Its vendor's code in the hub."""
        return code_of(self.vendor)


class Recorded(msgspec.Struct, frozen=True):
    """One recorded order: units of each good."""

    id: str
    units: dict[Good, int]

    @property
    def total(self) -> int:
        """What the buyer pays, in minor units."""
        return sum((good.price + good.freight) * count for good, count in self.units.items())


class Shop(msgspec.Struct, frozen=True):
    """One recorded vendor."""

    id: str
    city: str
    state: str

    @property
    def code(self) -> str:
        """Its code in the hub."""
        return code_of(self.id)


class History(msgspec.Struct, frozen=True):
    """Everything read: the orders in the files' order and the vendors they name."""

    orders: list[Recorded]
    shops: list[Shop]

    def demand(self) -> Counter[Good]:
        """Units of each good that all orders together need."""
        units: Counter[Good] = Counter()
        for order in self.orders:
            units.update(order.units)
        return units


def read(folder: Path, limit: int | None = None) -> History:
    """The first `limit` orders in `folder` (all for None) with their vendors. Raises `BadFile` and `OSError`."""
    shops = _read_shops(folder / VENDORS)
    orders = _read_orders(folder / ITEMS, shops)[:limit]
    if not orders:
        raise BadFile(f"{folder / ITEMS}: there are no orders")
    named = {good.vendor for order in orders for good in order.units}
    return History(orders, [shop for shop in shops.values() if shop.id in named])


def _read_shops(path: Path) -> dict[str, Shop]:
    shops: dict[str, Shop] = {}
    for place, row in _rows(path, VENDOR_COLUMNS):
        identity = _id(place, row, "vendor_id")
        if identity in shops:
            raise BadFile(f"{place}: vendor_id: {identity} stands twice")
        shops[identity] = Shop(identity, row["city"], row["state"])
    return shops


def _read_orders(path: Path, shops: dict[str, Shop]) -> list[Recorded]:
    units: dict[str, Counter[Good]] = {}
    seen: set[tuple[str, int]] = set()
    for place, row in _rows(path, ITEM_COLUMNS):
        order, vendor = _id(place, row, "order_id"), _id(place, row, "vendor_id")
        if vendor not in shops:
            raise BadFile(f"{place}: vendor_id: {vendor} is not in {VENDORS}")
        if not row["line"].isdecimal() or (order, int(row["line"])) in seen:
            raise BadFile(f"{place}: line: {row['line']!r} is no number, or stands twice in this order")
        seen.add((order, int(row["line"])))
        _check_moment(place, row["ship_by"])
        good = Good(vendor, _id(place, row, "product_id"), _amount(place, row, "price"), _amount(place, row, "freight"))
        if good.price == 0:
            raise BadFile(f"{place}: price: nothing is sold for nothing")
        units.setdefault(order, Counter())[good] += 1
    return [Recorded(order, dict(counted)) for order, counted in units.items()]


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row by column, with its place for complaints."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file, strict=True)
        try:
            header = next(lines, list[str]())
            if tuple(header) != tuple(columns):
                raise BadFile(f"{path.name}:1: the columns are {','.join(header)!r}, but must be {','.join(columns)!r}")
            for fields in lines:
                place = f"{path.name}:{lines.line_num}"
                if len(fields) != len(columns):
                    raise BadFile(f"{place}: {len(fields)} fields instead of {len(columns)}")
                yield place, dict(zip(columns, fields, strict=True))
        except (csv.Error, UnicodeDecodeError) as broken:
            raise BadFile(f"{path.name}:{lines.line_num}: {broken}") from broken


def _id(place: str, row: dict[str, str], column: str) -> str:
    if not _ID.fullmatch(row[column]):
        raise BadFile(f"{place}: {column}: {row[column]!r} is no id")
    return row[column]


def _amount(place: str, row: dict[str, str], column: str) -> int:
    if not _AMOUNT.fullmatch(row[column]):
        raise BadFile(f"{place}: {column}: {row[column]!r} is no amount with two decimals")
    return money.parse(row[column], CURRENCY)


def _check_moment(place: str, text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError as wrong:
        raise BadFile(f"{place}: ship_by: {wrong}") from wrong
