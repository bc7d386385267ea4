"""Loads tables set by set: without secondary indexes and checks of foreign keys, which would cost minutes; with them again at the end."""

import contextlib
from collections.abc import AsyncGenerator, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

CONNECTIONS = 2
"""Tables to be loaded at the same time: as many as there are cores."""
_SECONDARY = text(
    "SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i"
    " WHERE i.indrelid = ANY(CAST(:tables AS regclass[])) AND NOT i.indisunique"
)
_SETTINGS = (
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET maintenance_work_mem = '512MB'",
    "SET max_parallel_maintenance_workers = 1",
    "SELECT setseed(0.42)",
)


@contextlib.asynccontextmanager
async def loading(url: str, tables: Sequence[str]) -> AsyncGenerator[AsyncConnection]:
    """A connection to load these tables with; afterwards they are indexed, vacuumed and analyzed, and on disk."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", connect_args={"command_timeout": None})
    try:
        async with engine.connect() as connection:
            for setting in _SETTINGS:
                await connection.execute(text(setting))
            indexes = (await connection.execute(_SECONDARY, {"tables": list(tables)})).all()
            for index in indexes:
                await connection.execute(text(f"DROP INDEX {index.name}"))
            yield connection
            for index in indexes:
                await connection.execute(text(index.definition))
            await connection.execute(text(f"VACUUM ANALYZE {', '.join(tables)}"))
            await connection.execute(text("CHECKPOINT"))
    finally:
        await engine.dispose()
