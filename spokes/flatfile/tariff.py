"""By what the vendor ships, as its rates files say; each function is part of its caller's transaction."""

import sqlite3
from collections.abc import Sequence

from spokes.flatfile.cells import BadCell
from spokes.flatfile.sheets import RateRow, Row
from vendor_sdk.feeds import RATES_MAX, Price, Rate


def put(db: sqlite3.Connection, vendor: str, row: RateRow) -> None:
    """One way is so now. Raises `BadCell` where it would be one more than can be told."""
    others = db.execute("SELECT count(*) FROM rate WHERE vendor = ? AND code <> ?", (vendor, row.code)).fetchone()[0]
    if others >= RATES_MAX:
        raise BadCell("code", f"there are {RATES_MAX} others, and no more can be told")
    db.execute("INSERT OR REPLACE INTO rate VALUES (?, ?, ?, ?, ?, ?)", (vendor, row.code, row.name, row.price, row.currency, row.days))


def drop_others(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> None:
    """A whole list has these rows: by what is not among them the vendor does not ship any more."""
    named = {row.code for row in rows if isinstance(row, RateRow)}
    known = [code for (code,) in db.execute("SELECT code FROM rate WHERE vendor = ?", (vendor,))]
    db.executemany("DELETE FROM rate WHERE vendor = ? AND code = ?", [(vendor, code) for code in known if code not in named])


def all_of(db: sqlite3.Connection, vendor: str) -> list[Rate]:
    """All ways."""
    query = "SELECT code, name, price, currency, days FROM rate WHERE vendor = ? ORDER BY code"
    return [
        Rate(code=code, name=name, price=Price(amount=price, currency=currency), days=days)
        for code, name, price, currency, days in db.execute(query, (vendor,))
    ]
