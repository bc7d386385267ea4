"""What lies in the vendor's house and what is held of it; each function is part of its caller's transaction."""

import sqlite3
from collections.abc import Sequence

from spokes.items import units
from vendor_sdk.messages import Item

HELD = (
    "SELECT coalesce(sum(quantity), 0) FROM holding"
    " WHERE vendor = ? AND sku = ? AND sub_order_id <> ? AND (expires_at IS NULL OR expires_at > ?)"
)


def lacking(db: sqlite3.Connection, vendor: str, sub_order_id: str, items: Sequence[Item], now: float) -> str | None:
    """The first SKU of which there are too few for a sub-order, what it holds itself aside. One that no file named is never there."""
    for sku, quantity in units(items).items():
        there = db.execute("SELECT quantity FROM stock WHERE vendor = ? AND sku = ?", (vendor, sku)).fetchone()
        held = db.execute(HELD, (vendor, sku, sub_order_id, now)).fetchone()
        if there is None or there[0] - held[0] < quantity:
            return sku
    return None


def free(db: sqlite3.Connection, vendor: str, now: float) -> dict[str, int]:
    """Units of each SKU that new orders could have."""
    held = "SELECT sum(quantity) FROM holding h WHERE h.vendor = s.vendor AND h.sku = s.sku AND (expires_at IS NULL OR expires_at > ?)"
    query = f"SELECT sku, max(0, quantity - coalesce(({held}), 0)) FROM stock s WHERE vendor = ? ORDER BY sku"
    return dict(db.execute(query, (now, vendor)).fetchall())


def hold(db: sqlite3.Connection, vendor: str, holder: tuple[str, str], items: Sequence[Item], expires_at: float | None) -> None:
    """Hold exactly these units for a (sub-order, command), instead of what the sub-order held."""
    sub_order_id, command_id = holder
    let_go(db, vendor, sub_order_id)
    db.executemany(
        "INSERT INTO holding VALUES (?, ?, ?, ?, ?, ?)",
        [(vendor, sub_order_id, sku, quantity, command_id, expires_at) for sku, quantity in units(items).items()],
    )


def is_held(db: sqlite3.Connection, vendor: str, command_id: str, now: float) -> bool:
    """Whether a reserve command's units are still held."""
    mine = (vendor, command_id, now)
    return db.execute("SELECT 1 FROM holding WHERE vendor = ? AND command_id = ? AND expires_at > ?", mine).fetchone() is not None


def give_back(db: sqlite3.Connection, vendor: str, command_id: str) -> None:
    """Hold no longer what a reserve command holds; what has become an order stays."""
    db.execute("DELETE FROM holding WHERE vendor = ? AND command_id = ? AND expires_at IS NOT NULL", (vendor, command_id))


def let_go(db: sqlite3.Connection, vendor: str, sub_order_id: str) -> None:
    """Hold nothing for a sub-order."""
    db.execute("DELETE FROM holding WHERE vendor = ? AND sub_order_id = ?", (vendor, sub_order_id))


def take_out(db: sqlite3.Connection, vendor: str, sub_order_id: str) -> None:
    """The held units of a sub-order have left the house; until the next stock file says so, we do."""
    db.execute(
        "UPDATE stock SET quantity = max(0, stock.quantity - holding.quantity) FROM holding"
        " WHERE stock.vendor = ? AND holding.vendor = stock.vendor AND holding.sku = stock.sku AND holding.sub_order_id = ?",
        (vendor, sub_order_id),
    )
    let_go(db, vendor, sub_order_id)
