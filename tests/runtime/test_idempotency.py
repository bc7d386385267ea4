"""A write with a key happens once, whoever repeats it and however soon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select, text, update

from hub.kernel.errors import Conflict, Invalid
from hub.runtime import idempotency
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.idempotency import Answer, check_key, fingerprint
from hub.runtime.trace import Trace
from hub.runtime.wire import Wire

ADA, BOB = Actor("customer", "ada"), Actor("customer", "bob")
PRINT = fingerprint("POST", "/v1/orders", b"{}")


@dataclass
class Write:
    """A use case that counts how often it was really done, and may be held up on its way."""

    database: Database
    done: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, key: str, *, print_: bytes = PRINT, actor: Actor = ADA) -> tuple[int, bytes]:
        async with self.database.tx(actor) as tx:
            before = await idempotency.begin(tx, key, print_)
            if before is not None:
                return before.status, before.body
            self.begun.set()
            await self.go_on.wait()
            self.done += 1
            answer = Answer(201, f"number {self.done}".encode())
            idempotency.keep(tx, key, answer)
        return answer.status, answer.body


@pytest.fixture
def write(database: Database) -> Write:
    write = Write(database)
    write.go_on.set()
    return write


@asynccontextmanager
async def held_up(write: Write, key: str) -> AsyncIterator[asyncio.Task[tuple[int, bytes]]]:
    """The first of two twins, in the midst of its transaction."""
    write.go_on.clear()
    first = asyncio.create_task(write(key))
    await write.begun.wait()
    yield first
    write.go_on.set()
    await first


async def test_a_repeated_request_gets_the_first_answer(write: Write) -> None:
    assert [await write("k-repeat") for _ in range(3)] == [(201, b"number 1")] * 3
    assert write.done == 1


async def test_another_key_or_another_asker_is_another_request(write: Write) -> None:
    await write("k-mine")
    assert await write("k-other") == (201, b"number 2")
    assert await write("k-mine", actor=BOB) == (201, b"number 3")


@pytest.mark.parametrize(
    "other",
    [fingerprint("POST", "/v1/orders", b"{ }"), fingerprint("PUT", "/v1/orders", b"{}"), fingerprint("POST", "/v1/carts", b"{}")],
    ids=["body", "method", "path"],
)
async def test_the_same_key_for_another_request_is_refused(write: Write, other: bytes) -> None:
    await write("k-mismatch")
    with pytest.raises(Conflict) as refused:
        await write("k-mismatch", print_=other)
    assert refused.value.slug == "idempotency_key_reused"
    assert (await write("k-mismatch"))[1].startswith(b"number"), "the first answer stands"


def test_a_fingerprint_does_not_run_together() -> None:
    assert fingerprint("POST", "/a", b"b") != fingerprint("POST", "/ab", b"")


async def test_a_twin_waits_for_the_first_and_gets_its_answer(write: Write) -> None:
    async with held_up(write, "k-twin"):
        twin = asyncio.create_task(write("k-twin"))
        await waits(write.database)
        assert not twin.done()
        write.go_on.set()
        assert await twin == (201, b"number 1")
    assert write.done == 1


async def test_a_twin_that_sends_something_else_waits_and_is_refused(write: Write) -> None:
    async with held_up(write, "k-liar"):
        twin = asyncio.create_task(write("k-liar", print_=b"other"))
        await waits(write.database)
        write.go_on.set()
        with pytest.raises(Conflict, match="another request"):
            await twin


async def test_a_twin_does_not_wait_for_ever(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "WAIT_MS", 100)
    async with held_up(write, "k-slow"):
        with pytest.raises(Conflict) as refused:
            await write("k-slow")
    assert (refused.value.slug, refused.value.field) == ("idempotency_key_in_use", "header:Idempotency-Key")
    assert write.done == 1


async def test_the_time_to_wait_is_for_keys_alone(write: Write) -> None:
    async with write.database.tx(ADA) as tx:
        await idempotency.begin(tx, "k-timeout", PRINT)
        assert await tx.scalar(text("SHOW lock_timeout")) == "0"


async def test_a_refusal_keeps_nothing(write: Write) -> None:
    with pytest.raises(Conflict, match="sold out"):
        await refuse(write.database, "k-refused")
    assert await write("k-refused", print_=fingerprint("POST", "/v1/orders", b"less of it")) == (201, b"number 1")


async def refuse(database: Database, key: str) -> None:
    async with database.tx(ADA) as tx:
        assert await idempotency.begin(tx, key, PRINT) is None
        raise Conflict("sold_out", "sold out")


async def test_a_twin_of_a_refused_request_is_done_itself(write: Write) -> None:
    async with write.database.engine.connect() as connection:
        first = Tx(Wire(connection), ids=write.database.ids, actor=ADA, trace=Trace.new())
        assert await idempotency.begin(first, "k-second-chance", PRINT) is None
        twin = asyncio.create_task(write("k-second-chance"))
        await waits(write.database)
        await connection.rollback()
        assert await twin == (201, b"number 1")


async def test_keys_are_forgotten_after_their_time(write: Write) -> None:
    old, new = idempotency.KEEP_HOURS + 1, idempotency.KEEP_HOURS - 1
    t = idempotency.idempotency_keys
    for key, hours in (("k-old", old), ("k-new", new)):
        await write(key)
        async with write.database.tx() as tx:
            await tx.execute(update(t).where(t.c.key == key).values(created_at=func.now() - func.make_interval(0, 0, 0, 0, hours)))
    async with write.database.tx() as tx:
        assert await idempotency.forget_old(tx) == 1
        assert set(await keys(tx)) >= {"k-new"}
        assert "k-old" not in await keys(tx)


async def keys(tx: Tx) -> list[str]:
    return [row[0] for row in await tx.rows(select(idempotency.idempotency_keys.c.key))]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\t", "\N{SNOWMAN}", "nul\0"])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(Invalid):
        check_key(key)


def test_keys_at_the_limit() -> None:
    assert [check_key(key) for key in ("x", "x" * 255)] == ["x", "x" * 255]


async def waits(database: Database) -> None:
    """Until some connection waits for a lock of another."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    async with asyncio.timeout(20):
        while True:
            async with database.reading() as tx:
                if await tx.scalar(query):
                    return
            await asyncio.sleep(0.01)
