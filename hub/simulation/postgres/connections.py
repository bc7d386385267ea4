"""Connections: transactions and savepoints, waiting for each other, cut connections, and answers lost after COMMIT."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from hub.runtime.rows import Result
from hub.simulation.postgres.memory import Memory
from hub.simulation.postgres.plans import Plan
from hub.simulation.postgres.views import Blocked, View, Violation
from hub.simulation.process import Crashed, Process

FAULTS = {
    "database_cut": "the connection breaks in the middle of a transaction",
    "database_cut_at_commit": "the connection breaks before COMMIT has arrived",
    "database_answer_lost": "COMMIT is done, and the connection breaks before its answer",
    "database_interleaves": "another transaction comes between two statements",
    "database_stalls": "a statement takes seconds, and others come and wait meanwhile",
}
STRIKE = ("database_cut", "database_interleaves", "database_stalls")
"""Those that any statement may meet."""
COMMIT_SECONDS = (0.0005, 0.02)
STALL_SECONDS = (0.1, 12.0)
IDLE_SECONDS = 15.0
"""`hub.runtime.driver.IDLE_MS`: who holds locks and says nothing for so long is cut off."""


class Refused(Exception):
    """What the driver would raise: `sqlstate` is PostgreSQL's word."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def _lost() -> OperationalError:
    return OperationalError("simulated", None, Refused("08006", "the connection is lost"))


class Connection:
    """One transaction of one process."""

    __slots__ = ("_clock", "_failed", "_last", "_lock_seconds", "_memory", "_process", "broken", "ended", "view", "waits_for")

    def __init__(self, memory: Memory, process: Process) -> None:
        self._memory = memory
        self._process = process
        self.view = View(memory.nature.now(), self)
        self.ended: asyncio.Future[None] | None = None
        self.waits_for: Connection | None = None
        self.broken = False
        self._failed = False
        self._lock_seconds: float | None = None
        self._clock = memory.nature.time
        self._last = self._clock()

    async def execute(self, statement: Any, values: Any = None) -> Result:
        """Run a statement, waiting for others where it must."""
        if not self._goes_well():
            await self._trouble()
        memory = self._memory
        if values.__class__ is list:
            return await self._each(memory.plans.of(statement, values[0]), values)
        plan = memory.plans.of(statement, values)
        view = self.view
        mark = len(view.journal)
        try:
            return Result(*plan.run(memory, view, values, plan.own))
        except (Blocked, Violation):  # the rare case has a way of its own: nothing has happened yet
            view.take_back(mark)
            return Result(*await self._run(plan, values))

    async def _each(self, plan: Plan, values: Sequence[Any]) -> Result:
        memory, view = self._memory, self.view
        rows, touched = list[Any](), 0
        for each in values:
            mark = len(view.journal)
            try:
                more, number = plan.run(memory, view, each, plan.own)
            except (Blocked, Violation):
                view.take_back(mark)
                more, number = await self._run(plan, each)
            rows += more
            touched += number
        return Result(rows, touched)

    async def write(self, writes: Sequence[tuple[Any, list[dict[str, Any]]]]) -> None:
        """What PostgreSQL is asked in one statement."""
        if not self._goes_well():
            await self._trouble()
        of = self._memory.plans.of
        for statement, rows in writes:
            await self._each(of(statement, rows[0]), rows)

    write_last = write
    """Here every transaction is one."""

    def _goes_well(self) -> bool:
        """Whether nothing happens to the next statement. Raises as a driver does on a connection that is of no use."""
        self._usable()
        memory = self._memory
        memory.statements += 1
        spell = memory.spell
        if not spell.left:
            return False
        spell.left -= 1
        return True

    async def wait_at_most(self, milliseconds: int) -> None:
        """Known with the next statement."""
        self._lock_seconds = milliseconds / 1000 or None

    async def _trouble(self) -> None:
        """Throw for what may go wrong with a statement."""
        nature, spell = self._memory.nature, self._memory.spell
        nature.wake(spell, STRIKE)
        if nature.strikes("database_cut"):
            self.cut()
            raise _lost()
        if nature.strikes("database_interleaves"):
            await nature.wait("interleaving", 0.001, 0.05)
            self._usable()
            nature.wake(spell, STRIKE)  # others have had statements meanwhile
        if nature.strikes("database_stalls"):
            await nature.wait("stalling", *STALL_SECONDS)
            self._usable()
            nature.wake(spell, STRIKE)
        nature.rest(spell, STRIKE)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """A savepoint: taken back where its block raises."""
        mark, held = len(self.view.journal), len(self.view.held)
        try:
            yield
        except Exception:
            self.view.take_back(mark)
            self._release(held)
            self._failed = False
            raise

    async def commit(self) -> None:
        """End well. Raises as a driver does where the answer never comes."""
        self._usable()
        nature = self._memory.nature
        if not self.view.writes:
            self.close()
            return
        await nature.sleep(nature.seconds("commit", *COMMIT_SECONDS))
        self._process.effect("commit")
        self._usable()
        if self._memory.down or nature.strikes("database_cut_at_commit"):
            self.cut()
            raise _lost()
        try:
            self._memory.commit(self.view)
        except Violation as violation:
            self.close()
            raise IntegrityError("COMMIT", None, Refused(violation.sqlstate, str(violation))) from None
        self.close()
        self._process.effect("committed")
        if nature.strikes("database_answer_lost"):
            raise _lost()

    def cut(self) -> None:
        """Nothing of it has happened."""
        self.broken = True
        self.close()

    def close(self) -> None:
        """Let go of everything."""
        self._release(0)
        self.view.writes = {}

    def leave(self) -> None:
        """The same for good."""
        self.close()
        self.view.connection = None

    def _release(self, since: int) -> None:
        self.view.release(since)
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)
        self.ended = None

    def _usable(self) -> None:
        if not self._process.alive:
            raise Crashed
        if self.broken or self._memory.down:
            self.cut()
            raise _lost()
        if self._failed:
            raise OperationalError("simulated", None, Refused("25P02", "current transaction is aborted"))
        now = self._clock()
        if self.view.held and now - self._last > IDLE_SECONDS:
            self.cut()
            raise _lost()
        self._last = now

    async def _run(self, plan: Plan, values: Any) -> tuple[list[Any], int]:
        while True:
            mark = len(self.view.journal)
            try:
                return plan.run(self._memory, self.view, values, plan.own)
            except Blocked as blocked:
                self.view.take_back(mark)
                await self._wait(blocked.owner.connection)
            except Violation as violation:
                self._failed = True
                raise IntegrityError("simulated", None, Refused(violation.sqlstate, str(violation))) from None

    async def _wait(self, owner: "Connection") -> None:
        """Until another transaction ends."""
        other: Connection | None = owner
        while other is not None:
            if other is self:
                self._failed = True
                raise OperationalError("simulated", None, Refused("40P01", "deadlock detected"))
            other = other.waits_for
        if owner.ended is None:
            owner.ended = asyncio.get_running_loop().create_future()
        self.waits_for = owner
        try:
            await asyncio.wait_for(asyncio.shield(owner.ended), self._lock_seconds or IDLE_SECONDS)
        except TimeoutError:
            if self._lock_seconds is not None:
                self._failed = True
                raise OperationalError("simulated", None, Refused("55P03", "lock timeout")) from None
            if self._clock() - owner._last > IDLE_SECONDS and owner.waits_for is None:
                owner.cut()
        finally:
            self.waits_for = None
        self._last = self._clock()
        self._usable()
