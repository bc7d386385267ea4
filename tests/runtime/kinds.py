"""A table with a column of each kind, and rows of it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.runtime.database import IdText


class Color(StrEnum):
    """One of few."""

    RED = "red"


things = Table(
    "things",
    MetaData(),
    Column("id", IdText, primary_key=True),
    Column("seq", BigInteger, Identity(always=True)),
    Column("order", Text),
    Column("doc", JSONB),
    Column("bare", JSONB(none_as_null=True)),
    Column("tags", ARRAY(Text)),
    Column("numbers", ARRAY(Integer)),
    Column("ratio", Float),
    Column("price", Numeric(12, 4)),
    Column("units", BigInteger, server_default="7"),
    Column("small", Integer),
    Column("at", DateTime(timezone=True)),
    Column("day", Date),
    Column("raw", LargeBinary),
    Column("ok", Boolean),
    CheckConstraint("units >= 0", name="units"),
)
NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)
FULL: dict[str, Any] = {
    "order": "it's 100 % „x“ \\ $1 :x %(y)s",
    "doc": {"a": [1, None, {"b": "ü'\"\\"}], "c": 1.5},
    "bare": {"x": []},
    "tags": ["a,b", 'c"d', "", "NULL", "{}"],
    "numbers": [1, -2],
    "ratio": 0.1,
    "price": Decimal("123.4500"),
    "units": 2**53 + 1,
    "small": -1,
    "at": NOON,
    "day": date(2026, 2, 28),
    "raw": b"\x00\xff'\\x",
    "ok": True,
}
EMPTY: dict[str, Any] = dict.fromkeys(FULL)
ODD: dict[str, Any] = EMPTY | {"doc": [], "bare": None, "tags": [], "numbers": [], "raw": b"", "order": Color.RED, "ok": False}
