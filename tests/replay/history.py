"""Owns a small history of the form of the real files: 60 orders of 15 vendors, some over several vendors, some lines twice."""

import csv
import random
from pathlib import Path

ITEMS = ("order_id", "line", "product_id", "vendor_id", "ship_by", "price", "freight")
VENDORS = ("vendor_id", "postal_prefix", "city", "state")


def write(folder: Path, *, orders: int = 60, vendors: int = 15, seed: int = 7) -> Path:
    """Write both files into `folder`."""
    chance = random.Random(seed)
    shops = [f"{chance.getrandbits(128):032x}" for _ in range(vendors)]
    goods = {shop: [(f"{chance.getrandbits(128):032x}", chance.randint(585, 90_000)) for _ in range(4)] for shop in shops}
    items: list[list[str]] = []
    for number in range(orders):
        order = f"{chance.getrandbits(128):032x}"
        lines: list[list[str]] = []
        for shop in chance.sample(shops, 1 + number % 3):
            product, price = chance.choice(goods[shop])
            freight = chance.choice([0, 1_269, 7_075])
            lines += [[product, shop, "2018-07-10T12:30:00", _text(price), _text(freight)]] * chance.choice([1, 1, 2, 3])
        items += [[order, str(line), *rest] for line, rest in enumerate(lines, 1)]
    folder.mkdir(exist_ok=True)
    save(folder / "items.csv", ITEMS, items)
    save(folder / "vendors.csv", VENDORS, [[shop, "01310", "sao paulo", "SP"] for shop in shops])
    return folder


def save(path: Path, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    """One file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([list(columns), *rows])


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
