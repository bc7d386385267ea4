"""Owns the real parts every test may ask for: one PostgreSQL and one NATS per session, a fresh database per module."""

import asyncio
import gc
import itertools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.nats import Nats
from hub.embedded.postgres import Postgres
from tests.quiet import keep_quiet
from tests.template import fill_template

TEMPLATE = "template_migrated"
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Tests that time something run alone."""
    keep_quiet(config)


def pytest_collection_finish() -> None:
    """What was collected stays for the whole run: looking through thousands of tests for garbage again and again costs minutes."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A short folder for servers' data; PostgreSQL's account may pass through it (pytest's own is closed to others)."""
    with tempfile.TemporaryDirectory(prefix="ww-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[Postgres]:
    """The session's PostgreSQL 18 (fsync off). A test that kills it must leave it running."""
    server = Postgres(scratch / "postgres", fast_for_tests=True)
    server.start()
    yield server
    server.discard()


@pytest_asyncio.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    """A database with the schema and nothing else; every `database_url` is a copy of it."""
    await _administer(postgres, f"CREATE DATABASE {TEMPLATE}")
    await asyncio.to_thread(fill_template, postgres.url_of(TEMPLATE))
    return TEMPLATE


MakeDatabase = Callable[[], Awaitable[str]]


@pytest_asyncio.fixture(scope="session")
async def fresh_database(postgres: Postgres, template: str) -> MakeDatabase:
    """Makes a database with the schema, of the caller's own; answers its SQLAlchemy address."""

    async def make() -> str:
        name = f"test_{next(_numbers)}"
        await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return postgres.url_of(name)

    return make


@pytest_asyncio.fixture(scope="module")
async def database_url(fresh_database: MakeDatabase) -> AsyncIterator[str]:
    """This test module's own database, with the schema, as `postgresql+asyncpg://…`."""
    yield await fresh_database()


@pytest_asyncio.fixture(scope="session")
async def empty_database(postgres: Postgres) -> MakeDatabase:
    """Makes a database without any schema, for tests of migrations; answers its SQLAlchemy address."""

    async def make() -> str:
        name = f"empty_{next(_numbers)}"
        await _administer(postgres, f"CREATE DATABASE {name}")
        return postgres.url_of(name)

    return make


@pytest.fixture(scope="module")
def nats(scratch: Path) -> Iterator[Nats]:
    """This module's broker: JetStream, one account without a password. `nats.reload(text)` gives it another shape."""
    server = Nats(scratch / f"nats-{next(_numbers)}", "jetstream {}\n")
    server.start()
    yield server
    server.stop()


async def _administer(server: Postgres, statement: str) -> None:
    engine = create_async_engine(server.url_of("postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
