"""Migrations are the only way to a schema: up from nothing, down to nothing, what the models say, and one at a time."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.postgres import Postgres
from hub.migrate import differences, downgrade_at, upgrade_at
from hub.wiring import tables
from tests.architecture.sources import ROOT

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
FUNCTIONS = "SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'public'"
VERSIONS = "SELECT version_num FROM alembic_version"

UPGRADE = "import sys; from hub.migrate import upgrade_at; upgrade_at(sys.argv[1])"

_numbers = itertools.count(1)


async def said(url: str, statement: str) -> list[Any]:
    """The first column of what a statement gives, committed."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        result = await connection.execute(text(statement))
        found = list(result.scalars()) if result.returns_rows else []
    await engine.dispose()
    return found


async def empty(postgres: Postgres) -> str:
    """A database without a table."""
    name = f"migrated_{next(_numbers)}"
    await said(postgres.url_of("postgres"), f"CREATE DATABASE {name}")
    return postgres.url_of(name)


def everything() -> list[str]:
    return sorted([*tables().tables, "alembic_version"])


async def test_up_and_down_and_up_again(postgres: Postgres) -> None:
    url = await empty(postgres)
    await asyncio.to_thread(upgrade_at, url)
    assert await said(url, TABLES) == everything()
    await asyncio.to_thread(downgrade_at, url)
    assert await said(url, TABLES) == ["alembic_version"]
    assert await said(url, FUNCTIONS) + await said(url, VERSIONS) == []
    await asyncio.to_thread(upgrade_at, url)
    assert await said(url, TABLES) == everything()
    assert await asyncio.to_thread(differences, url) == []


async def test_up_twice_is_up_once(postgres: Postgres) -> None:
    url = await empty(postgres)
    for _ in range(2):
        await asyncio.to_thread(upgrade_at, url)
    assert len(await said(url, VERSIONS)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX ix_offers_variant_id",
        "ALTER TABLE stock ALTER reserved DROP DEFAULT",
        "ALTER TABLE carts ALTER currency DROP NOT NULL",
        "ALTER TABLE orders ALTER total TYPE integer",
        "ALTER TABLE orders ADD note text",
        "CREATE TABLE strays (id text PRIMARY KEY)",
    ],
)
async def test_a_schema_that_is_not_what_the_models_say_is_noticed(fresh_database: Callable[[], Any], statement: str) -> None:
    url = await fresh_database()
    assert await asyncio.to_thread(differences, url) == []
    await said(url, statement)
    assert len(await asyncio.to_thread(differences, url)) == 1


async def test_replicas_that_start_together_migrate_in_turn(postgres: Postgres) -> None:
    url = await empty(postgres)
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", UPGRADE, url, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    ended = [(await process.communicate(), process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0], [errors.decode()[-2000:] for (_, errors), _ in ended]
    assert await said(url, TABLES) == everything()
    assert len(await said(url, VERSIONS)) == 1
