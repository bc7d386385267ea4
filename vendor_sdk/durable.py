"""A SQLite file that answers only after COMMIT: one thread, many waiting changes per fsync."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

BATCH_MAX = 256
LOCK_WAIT_SECONDS = 30.0


class _Job(msgspec.Struct):
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Durable:
    """One file, shared by whoever opens the same path in this process; other processes may use it too."""

    _shared: dict[Path, "Durable"] = {}  # noqa: RUF012 - one process has one set of files

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._users = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"sqlite {path.name}", daemon=True)
        self._broken: BaseException | None = None

    @classmethod
    async def open(cls, path: Path, schema: str) -> "Durable":
        """The file at `path`, created with `schema` (idempotent DDL) if need be. Raises `sqlite3.Error`."""
        path = _one_name(path)
        durable = cls._shared.get(path)
        if durable is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            durable = cls._shared[path] = cls(path, schema)
            durable._thread.start()
        durable._users += 1
        try:
            await durable.do(lambda _: None)
        except BaseException:
            await durable.close()
            raise
        return durable

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, once its changes are on the disk; if it raises, they are undone and it raises here.

        Raises `sqlite3.ProgrammingError` where everybody has let go of the file.
        """
        if self._users <= 0:
            raise sqlite3.ProgrammingError(f"{self._path.name} is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        return await future

    async def close(self) -> None:
        """Let go; the last user's call waits for the thread to end."""
        self._users -= 1
        if self._users == 0:
            self._shared.pop(self._path, None)
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        connection = None
        try:
            connection = _connect(self._path, self._schema)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            self._broken = error
        while batch := self._gather():
            if connection is None:
                for job in batch:
                    job.error = self._broken
            else:
                _commit(connection, batch)
            _settle(batch)
        if connection is not None:
            connection.close()

    def _gather(self) -> list[_Job]:
        first = self._jobs.get()
        batch: list[_Job] = [first] if first else []
        while batch and len(batch) < BATCH_MAX and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            batch.append(job)
        return batch


def _one_name(path: Path) -> Path:
    return path.resolve()


def _connect(path: Path, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(schema)
    return connection


def _commit(connection: sqlite3.Connection, batch: list[_Job]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in batch:
            _apply(connection, job)
        connection.execute("COMMIT")
    except BaseException as error:  # noqa: BLE001 - nothing of the batch is on the disk: all who wait must hear it
        for job in batch:
            job.error = error
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _apply(connection: sqlite3.Connection, job: _Job) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _settle(batch: list[_Job]) -> None:
    """Wake the waiting, one wake-up per loop and batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
