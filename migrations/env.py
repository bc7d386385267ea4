"""Owns how Alembic reaches PostgreSQL: through asyncpg, one migration run at a time, all of it in one transaction."""

import asyncio
from typing import Any

from alembic import context
from alembic.autogenerate import compare_metadata
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

ONE_AT_A_TIME = 0x77686565  # "whee": the key of the lock under which replicas that start together migrate in turn


def models() -> MetaData:
    """Every table of the hub."""
    from hub.runtime.database import metadata
    from hub.wiring import tables

    tables()  # importing them is what registers them
    return metadata


def migrate(connection: Connection) -> None:
    """Run what was asked for on an open connection."""
    compares = context.config.attributes.get("compares", False)
    options: dict[str, Any] = {"compare_type": True, "compare_server_default": True}
    context.configure(connection=connection, target_metadata=models() if compares else None, **options)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        context.run_migrations()
        found = context.config.attributes.get("differences")
        if found is not None:
            found += compare_metadata(context.get_context(), models())


async def main() -> None:
    """Open the one connection."""
    engine = create_async_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
