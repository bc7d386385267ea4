"""What goes wrong with a statement of the simulated PostgreSQL goes wrong with all that it writes."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from hub.runtime.database import Tx
from hub.simulation.loop import run
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from tests.simulation.postgres_play import every, pieces, things


def put(tx: Tx) -> None:
    """Rows of two tables, of unlike columns: three statements if each were one."""
    tx.put(insert(things), {"id": "one", "kind": "a"})
    tx.put(insert(things), {"id": "two", "kind": "b", "state": "closed"})
    tx.put(insert(pieces), {"id": 1, "thing_id": "one", "count": 2})


def test_what_a_transaction_has_put_off_is_one_statement() -> None:
    async def main() -> tuple[int, dict[str, list[Any]]]:
        nature = Nature(1, {})
        memory = Memory(every, nature)
        async with SimulatedDatabase(memory, Process(nature, "hub")).tx() as tx:
            put(tx)
        return memory.statements, {name: list(memory.tables[name].rows) for name in ("things", "pieces")}

    assert run(main()) == (1, {"things": ["one", "two"], "pieces": [1]})


def test_where_it_is_cut_nothing_of_it_is_there() -> None:
    async def main() -> tuple[int, int]:
        nature = Nature(1, {"database_cut": 1.0})
        memory = Memory(every, nature)
        with pytest.raises(OperationalError):
            async with SimulatedDatabase(memory, Process(nature, "hub")).tx() as tx:
                put(tx)
        await asyncio.sleep(0)
        return nature.struck["database_cut"], len(memory.tables["things"].rows) + len(memory.tables["pieces"].rows)

    assert run(main()) == (1, 0)


def test_a_world_that_is_over_keeps_no_row() -> None:
    async def main() -> int:
        nature = Nature(1, {})
        memory = Memory(every, nature)
        database = SimulatedDatabase(memory, Process(nature, "hub"))
        async with database.tx() as tx:
            put(tx)
        memory.let_go()
        return sum(len(table.rows) + sum(map(len, (index.buckets for index in table.indexes.values()))) for table in memory.tables.values())

    assert run(main()) == 0
