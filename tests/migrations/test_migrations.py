"""The way to the schema: up from nothing, equal to what the code believes, down to nothing, from many at once."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.migrate import differences, downgrade_at, upgrade_at

LEFT = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast' AND c.relname !~ '^alembic_version'
"""
FUNCTIONS = "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'"


async def ask(url: str, question: str) -> object:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        answer = (await connection.execute(text(question))).scalar()
    await engine.dispose()
    return answer


async def test_up_from_nothing_equal_to_the_models_down_to_nothing_and_up_again(empty_database_url: str):
    url = empty_database_url
    await asyncio.to_thread(upgrade_at, url)
    assert await ask(url, LEFT) != 0
    assert await asyncio.to_thread(differences, url) == []
    await asyncio.to_thread(downgrade_at, url)
    assert (await ask(url, LEFT), await ask(url, FUNCTIONS)) == (0, 0)
    await asyncio.to_thread(upgrade_at, url)
    assert await ask(url, LEFT) != 0


async def test_a_table_that_the_models_do_not_know_is_a_difference(database_url: str):
    await _do(database_url, "CREATE TABLE stranger (n int)")
    found = await asyncio.to_thread(differences, database_url)
    assert [(change[0], change[1].name) for change in found] == [("remove_table", "stranger")]
    await _do(database_url, "DROP TABLE stranger")


async def _do(url: str, statement: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
