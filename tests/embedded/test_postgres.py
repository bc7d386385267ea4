"""The embedded PostgreSQL: survives being killed, keeps its data, refuses strangers."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.ports import PortInUse
from hub.embedded.postgres import Postgres


async def ask(url: str, question: str) -> Any:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            answer = await connection.execute(text(question))
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()


@pytest.fixture
async def server(scratch: Path):
    server = Postgres(scratch / "own", fast_for_tests=True)
    server.start()
    await ask(server.url, "CREATE TABLE kept (n int)")
    await ask(server.url, "INSERT INTO kept VALUES (1)")
    yield server
    server.discard()
    assert not server.data.exists()


async def test_it_is_postgresql_18_on_loopback(postgres: Postgres):
    assert str(await ask(postgres.url, "SHOW server_version")).startswith("18.")
    assert await ask(postgres.url, "SHOW listen_addresses") == "127.0.0.1"


async def test_a_wrong_password_is_refused(postgres: Postgres):
    with pytest.raises(DBAPIError, match="password authentication failed"):
        await ask(postgres.url.replace("hub:", "hub:x"), "SELECT 1")


async def test_data_outlives_a_kill_a_stop_and_an_immediate_restart(server: Postgres):
    port = server.port
    server.kill()
    assert not server.running
    server.start()
    assert await ask(server.url, "SELECT n FROM kept") == 1
    server.restart_immediate()
    assert await ask(server.url, "SELECT n FROM kept") == 1
    server.stop()
    server.start()
    assert await ask(server.url, "SELECT n FROM kept") == 1
    assert server.port == port


async def test_another_object_on_the_same_data_knows_the_password(server: Postgres):
    server.stop()
    second = Postgres(server.data, fast_for_tests=True)
    second.start()
    assert await ask(second.url, "SELECT n FROM kept") == 1
    second.stop()


def test_a_port_in_use_is_named_with_its_option(postgres: Postgres, tmp_path: Path):
    with pytest.raises(PortInUse, match=rf"port {postgres.port} is in use.*--pg-port"):
        Postgres(tmp_path / "pg", postgres.port, fast_for_tests=True).start()


async def test_data_in_a_folder_that_others_may_not_enter_works_too(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "pg", fast_for_tests=True)
    server.start()
    try:
        assert await ask(server.url, "SELECT 1") == 1
    finally:
        server.discard()
    assert list(closed.iterdir()) == []
