"""One process's way to the simulated server, in the place of `hub.runtime.database.Database`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hub.kernel.ids import Ids
from hub.runtime.database import Database
from hub.simulation.postgres.connections import FAULTS, Connection
from hub.simulation.postgres.memory import Memory
from hub.simulation.process import Crashed, Process

__all__ = ["FAULTS", "Memory", "SimulatedDatabase"]


class Engine:
    """What `hub.runtime.database.Database` asks of an engine."""

    def __init__(self, memory: Memory, process: Process) -> None:
        self._memory = memory
        self._process = process
        self._open: dict[Connection, None] = {}
        process.died.append(self._died)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """A transaction that is committed where its block ends well."""
        async with self.connect() as connection:
            yield connection
            await connection.commit()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """A transaction that is not."""
        if not self._process.alive:
            raise Crashed
        if self._memory.down:
            raise ConnectionRefusedError("the database is away")
        connection = Connection(self._memory, self._process)
        self._open[connection] = None
        try:
            yield connection
        finally:
            del self._open[connection]
            connection.close()

    async def dispose(self) -> None:
        """Nothing is kept open."""

    def _died(self) -> None:
        for connection in list(self._open):
            connection.cut()


class SimulatedDatabase(Database):
    """One process's way to the simulated server."""

    def __init__(self, memory: Memory, process: Process) -> None:
        nature = memory.nature
        dice = nature.dice("ids")
        self.engine: Any = Engine(memory, process)
        self.ids = Ids(lambda: int(nature.unix() * 1000), dice.randbytes)
        self.after_commit = []
