"""Every table has a primary key, every foreign key an index, every time a zone; money is never a float."""

from typing import Any

import pytest
from sqlalchemy import DateTime, Float, Integer, Numeric, Table, UniqueConstraint

from hub.wiring import TABLES, tables
from tests.architecture.sources import modules, named

ALL = list(tables().tables.values())
MONEY = ("amount", "price", "total", "commission", "fee", "captured")
DURATIONS = {"steps.redrive_seconds", "vendor_liveness.oldest_seconds", "replay_plans.rate", "replay_rules.rate"}
"""Times, and how many in a time."""


def leading(table: Table) -> list[list[str]]:
    """The columns of each index of a table, in order, however it was declared."""
    found: list[list[str]] = [
        [column.name for column in index.columns] for index in table.indexes if index.dialect_options["postgresql"]["where"] is None
    ]
    found += [
        [column.name for column in constraint.columns] for constraint in table.constraints if isinstance(constraint, UniqueConstraint)
    ]
    found += [[column.name] for column in table.columns if column.unique]
    return [*found, [column.name for column in table.primary_key.columns]]


def test_every_module_with_a_table_is_known_to_the_wiring() -> None:
    have = {
        named(path).removesuffix(".py").replace("/", ".")
        for path in modules("hub")
        if "metadata,\n" in path.read_text() and " = Table(" in path.read_text()
    }
    assert have == set(TABLES)


@pytest.mark.parametrize("table", ALL, ids=str)
def test_primary_key(table: Table) -> None:
    assert list(table.primary_key.columns)


@pytest.mark.parametrize("table", ALL, ids=str)
def test_every_foreign_key_is_indexed(table: Table) -> None:
    bare = [key.parent.name for key in table.foreign_keys if not any(columns[:1] == [key.parent.name] for columns in leading(table))]
    assert bare == [], "deleting or joining the other side would read the whole table"


@pytest.mark.parametrize("table", ALL, ids=str)
def test_columns(table: Table) -> None:
    wrong: list[Any] = []
    for column in table.columns:
        if isinstance(column.type, DateTime) and not column.type.timezone:
            wrong.append(f"{column}: a time without a zone")
        if isinstance(column.type, Float | Numeric) and not isinstance(column.type, Integer) and str(column) not in DURATIONS:
            wrong.append(f"{column}: neither money nor stock is a fraction")
        if any(word in column.name for word in MONEY) and type(column.type) is Integer and not column.name.endswith("_bps"):
            wrong.append(f"{column}: more than 21 million overflows")
    assert wrong == []
