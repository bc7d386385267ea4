"""What the vendor sells, as its catalog files say; each function is part of its caller's transaction."""

import sqlite3
from collections.abc import Sequence

from spokes.flatfile.sheets import CatalogRow, Row
from vendor_sdk.feeds import Described, Offered, Price


def put(db: sqlite3.Connection, vendor: str, row: CatalogRow) -> None:
    """A SKU is so now."""
    words = (row.title, row.price, row.currency, row.category, row.description)
    db.execute("INSERT OR REPLACE INTO article VALUES (?, ?, ?, ?, ?, ?, ?)", (vendor, row.sku, *words))


def is_sold(db: sqlite3.Connection, vendor: str, sku: str) -> bool:
    """Whether a SKU is in the catalog; any is where there is no catalog."""
    if db.execute("SELECT 1 FROM article WHERE vendor = ? AND sku = ?", (vendor, sku)).fetchone():
        return True
    return db.execute("SELECT 1 FROM article WHERE vendor = ? LIMIT 1", (vendor,)).fetchone() is None


def drop_others(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> list[str]:
    """A whole catalog has these rows: what is not among them is not sold any more; those SKUs."""
    named = {row.sku for row in rows if isinstance(row, CatalogRow)}
    known = [sku for (sku,) in db.execute("SELECT sku FROM article WHERE vendor = ? ORDER BY sku", (vendor,))]
    gone = [sku for sku in known if sku not in named]
    db.executemany("DELETE FROM article WHERE vendor = ? AND sku = ?", [(vendor, sku) for sku in gone])
    return gone


def all_of(db: sqlite3.Connection, vendor: str, category: str) -> list[Offered]:
    """Everything that is sold; `category` is of what names none."""
    query = "SELECT sku, title, price, currency, category, description FROM article WHERE vendor = ? ORDER BY sku"
    return [
        Offered(
            sku=sku,
            price=Price(amount=price, currency=currency),
            product=Described(title=title, category=its or category, description=words),
        )
        for sku, title, price, currency, its, words in db.execute(query, (vendor,))
    ]
