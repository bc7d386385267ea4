"""What is measured on: one PostgreSQL with fsync on, one broker, one API process, and pgbench's database on the same PostgreSQL."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import msgspec
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.children import Python
from hub.embedded.nats import Nats
from hub.embedded.ports import claim_port
from hub.embedded.postgres import Postgres
from hub.migrate import upgrade_at
from hub.ops import invariants
from hub.runtime.database import Database
from tests.bench import assortment, pgbench
from tests.bench.market import Market, Quotes, open_market
from tests.bench.pace import Pace
from tests.bench.usage import cpu_seconds, resident_mib

LIMIT = "bench_limit"
MIGRATED, OPENED = "bench_migrated", "bench_opened"
VENDORS = 3
APIS = 2
"""API processes where buyers order: one for each core."""
READY_SECONDS = 30.0
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_SHOWN = ("server_version", *_DURABLE, "shared_buffers", "max_wal_size", "wal_compression")
_FILLED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0 ORDER BY 1"
)
UNLIMITED = {f"HTTP__{who}_PER_MINUTE": "1000000000" for who in ("ANONYMOUS", "BUYER", "VENDOR", "OPERATOR")}


class LawsBroken(RuntimeError):
    """What was measured broke a law: its figures are worth nothing."""


class NotDurable(RuntimeError):
    """PostgreSQL was told to trade safety for speed."""


class Api(msgspec.Struct, frozen=True):
    """Running API processes on one database; buyers are spread over them as a balancer would."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]

    @property
    def cpu_seconds(self) -> float:
        """Of all together, so far."""
        return sum(map(cpu_seconds, self.pids))

    @property
    def resident_mib(self) -> float:
        """Of the largest, now."""
        return max(map(resident_mib, self.pids))


class Trade(msgspec.Struct, frozen=True):
    """API processes on a database of their own that is open for trade."""

    api: Api
    database: Database
    market: Market
    quotes: Quotes


class Ground:
    """All of it; databases are made when they are first needed, each part has its own."""

    def __init__(self, folder: Path, pace: Pace) -> None:
        self.folder = folder
        self.pace = pace
        self.server = Postgres(folder / "postgres")
        self.nats = Nats(folder / "nats", "jetstream {}\n")
        self._market: Market | None = None
        self._made: set[str] = set()

    async def facts(self) -> dict[str, str]:
        """Of the PostgreSQL that is measured. Raises `NotDurable` if a commit would not survive the machine."""
        engine = create_async_engine(self.server.url_of("postgres"))
        async with engine.connect() as connection:
            found = {name: str((await connection.execute(text(f"SHOW {name}"))).scalar()) for name in _SHOWN}
        await engine.dispose()
        if weak := [name for name in _DURABLE if found[name] != "on"]:
            raise NotDurable(f"not on: {', '.join(weak)}")
        return found

    @property
    def postgres_cpu_seconds(self) -> float:
        """Of the server and all its processes, so far."""
        assert self.server.pid is not None, "it runs"
        return cpu_seconds(self.server.pid)

    async def limit(self) -> str:
        """The address of pgbench's database."""
        if LIMIT not in self._made:
            self._made.add(LIMIT)
            await open_limit(self.server.url_of("postgres"))
        return self.server.dsn_of(LIMIT)

    async def fresh(self, name: str) -> str:
        """The address of a new database with the schema and nothing else."""
        if await self._create(MIGRATED):
            await asyncio.to_thread(upgrade_at, self.server.url_of(MIGRATED))
        await self._create(name, MIGRATED)
        return self.server.url_of(name)

    @contextlib.asynccontextmanager
    async def trade(self, name: str, *, offers: int = 0, apis: int = 1) -> AsyncGenerator[Trade]:
        """A part's own copy of a market of three vendors, with so many offers more, and so many API processes on it.

        Raises `LawsBroken` if the block leaves it in disorder.
        """
        if self._market is None:
            self._market = await self._open()
        if await self._create(name, OPENED) and offers:
            await assortment.load(self.server.url_of(name), self._market.vendors, offers)
        async with self.opened(name, apis=apis) as (api, database):
            yield Trade(api, database, self._market, Quotes(database, self._market))
            await check_laws(database)
        if not offers:  # else PostgreSQL goes on to vacuum it while the next part is measured
            await _alone(self.server.url_of("postgres"), f"DROP DATABASE {name}")
            self._made.discard(name)

    @contextlib.asynccontextmanager
    async def opened(self, name: str, *, apis: int = 1, **settings: str) -> AsyncGenerator[tuple[Api, Database]]:
        """API processes on a database, and a way to look into that."""
        database = Database(self.server.url_of(name), pool_size=4)
        try:
            with contextlib.ExitStack() as running:
                started = [running.enter_context(self._api(name, settings)) for _ in range(apis)]
                for port, _ in started:
                    await asyncio.to_thread(until_answering, f"http://127.0.0.1:{port}/health/ready")
                yield Api(*zip(*started, strict=True)), database
        finally:
            await database.close()

    async def vacuum(self, name: str) -> None:
        """As autovacuum would within minutes; it is not to begin in the midst of a run.

        It leaves empty tables alone, and so does this: plans made for a table that is known to be empty read it from end to end.
        """
        database = Database(self.server.url_of(name), pool_size=1)
        async with database.reading() as tx:
            filled = [row.relname for row in await tx.rows(_FILLED)]
        await database.close()
        await _alone(self.server.url_of(name), f"VACUUM ANALYZE {', '.join(filled)}")

    def environment(self, name: str, settings: dict[str, str]) -> dict[str, str]:
        """Of a process of the hub on a database."""
        ours = {"DATABASE__URL": self.server.url_of(name), "NATS__URL": self.nats.url, "LOG__LEVEL": "error", **UNLIMITED, **settings}
        return {**os.environ, **{f"WHEELWRIGHT__{key}": value for key, value in ours.items()}}

    @contextlib.contextmanager
    def _api(self, name: str, settings: dict[str, str]) -> Generator[tuple[int, int]]:
        port = claim_port(0, "--port")
        environment = self.environment(name, {"HTTP__DRAIN_SECONDS": "0", **settings})
        process = Python("hub.cli", ["api", "--port", str(port)], env=environment, log=self.folder / f"{name}-{port}.log")
        process.launch()
        try:
            assert process.pid is not None, "it was started just now"
            yield port, process.pid
        finally:
            process.stop()

    async def _open(self) -> Market:
        await self.fresh(OPENED)
        async with self.opened(OPENED) as (api, database):
            market = await open_market(database, api.ports[0], vendors=VENDORS, skus=self.pace.skus)
            # one for each SKU of a vendor, so that all of the offers are in some quote; what is needed beyond that are copies
            await Quotes(database, market).make(api.ports[0], market.wanted(0, len(market.offers[0])))
        await self.vacuum(OPENED)
        return market

    async def _create(self, name: str, template: str = "template1") -> bool:
        """Whether it was not there yet."""
        if name in self._made:
            return False
        await _alone(self.server.url_of("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made.add(name)
        return True


@contextlib.contextmanager
def ground(pace: Pace) -> Generator[Ground]:
    """Servers on a folder that is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="ww-bench-"))
    folder.chmod(0o711)
    made = Ground(folder, pace)
    try:
        made.server.start()
        made.nats.start()
        yield made
    finally:
        made.nats.stop()
        made.server.discard()
        shutil.rmtree(folder)


async def open_limit(url: str) -> str:
    """Make pgbench's database on the server of `url`; its address, for libpq."""
    await _alone(url, f"CREATE DATABASE {LIMIT}")
    dsn = make_url(url).set(drivername="postgresql", database=LIMIT).render_as_string(hide_password=False)
    await pgbench.prepare(dsn)
    return dsn


async def check_laws(database: Database, *, settled: bool = False) -> None:
    """All laws over all that is in a database. Raises `LawsBroken`."""
    async with database.reading() as tx:
        if breaches := await invariants.check(tx, settled=settled):
            raise LawsBroken("; ".join(f"{breach.law}: {breach.facts}" for breach in breaches[:5]))


async def _alone(url: str, statement: str) -> None:
    """Outside of any transaction."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def until_answering(url: str) -> None:
    """Wait for a server. Raises `OSError` if it does not answer in time."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
