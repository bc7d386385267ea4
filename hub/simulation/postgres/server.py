"""One process's way to the simulated server, in the place of `hub.runtime.database.Database`."""

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

    def open(self) -> Connection:
        """A new connection. Raises `OSError` while the database is away."""
        if not self._process.alive:
            raise Crashed
        if self._memory.down:
            raise ConnectionRefusedError("the database is away")
        connection = Connection(self._memory, self._process)
        self._open[connection] = None
        return connection

    def leave(self, connection: Connection) -> None:
        """Let go of one."""
        del self._open[connection]
        connection.leave()

    async def dispose(self) -> None:
        """Nothing is kept open."""

    def _died(self) -> None:
        for connection in list(self._open):
            connection.cut()


class Opened:
    """A connection as long as its block runs. A class, for a generator takes twice as long, and this runs for every transaction."""

    def __init__(self, engine: Engine, *, commits: bool) -> None:
        self._engine = engine
        self._commits = commits

    async def __aenter__(self) -> Connection:
        self._connection = self._engine.open()
        return self._connection

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None and self._commits:
                await self._connection.commit()
        finally:
            self._engine.leave(self._connection)


class SimulatedDatabase(Database):
    """One process's way to the simulated server."""

    def __init__(self, memory: Memory, process: Process) -> None:
        nature = memory.nature
        dice = nature.dice("ids")
        self.engine: Any = Engine(memory, process)
        self.ids = Ids(lambda: int(nature.unix() * 1000), dice.randbytes)
        self.connection = lambda connection: connection
        self.taker = None
        self.after_commit = []

    def open(self, *, commits: bool) -> Opened:
        """A connection as long as a block runs."""
        return Opened(self.engine, commits=commits)
