"""What is put off is written before anybody can miss it, once, or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text, bindparam, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from hub.kernel.errors import Conflict
from hub.runtime import life
from hub.runtime.database import Actor, Database, IdText, Tx
from hub.runtime.life import Move
from hub.runtime.trace import Trace

ADA, BOB = Actor("customer", "ada"), Actor("customer", "bob")
metadata = MetaData()
wholes = Table(
    "wholes",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("state", Text),
    Column("note", Text),
    Column("version", Integer, nullable=False, server_default="0"),
)
pieces = Table(
    "pieces", metadata, Column("id", IdText, primary_key=True), Column("whole", IdText, ForeignKey("wholes.id")), Column("seq", Text)
)
w = wholes.c
PUT, PUT_PIECE = insert(wholes), insert(pieces)
FIND = select(w.state, w.note, w.version).where(w.id == bindparam("whole"))
CHANGE = update(wholes).where(w.id == bindparam("of_whole")).values(version=w.version + 1)
RECKON = CHANGE.values(note=func.concat(w.state, "!"))


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _tables(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(text("CREATE TABLE writes (what text)"))
        await connection.execute(
            text(
                "CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO writes VALUES (TG_OP); RETURN NULL; END $$"
            )
        )
        await connection.execute(
            text("CREATE TRIGGER noted AFTER INSERT OR UPDATE ON wholes FOR EACH STATEMENT EXECUTE FUNCTION note_write()")
        )


@asynccontextmanager
async def writes(database: Database) -> AsyncIterator[list[str]]:
    """The statements that change `wholes`, known when the block has ended."""
    found: list[str] = []
    async with database.tx() as tx:
        await tx.execute(text("DELETE FROM writes"))
    yield found
    async with database.reading() as tx:
        found += [row.what for row in await tx.rows(text("SELECT what FROM writes"))]


async def stands(database: Database, key: str) -> tuple[Any, ...] | None:
    async with database.reading() as tx:
        row = await tx.row(FIND, {"whole": key})
    return None if row is None else tuple(row)


class Found(msgspec.Struct):
    """A row of `FIND`."""

    state: str


async def test_what_was_put_is_seen_by_whatever_is_asked_next(database: Database) -> None:
    async with database.tx() as tx:
        for way in ("rows", "row", "mappings", "scalar", "execute"):
            tx.put(PUT, {"id": f"seen-{way}", "state": "new"})
            if way == "execute":
                assert await tx.execute(CHANGE, {"of_whole": "seen-execute", "state": "old"}) == 1
                continue
            assert await getattr(tx, way)(FIND, {"whole": f"seen-{way}"})
        for struct_of in (tx.all, tx.one):
            tx.put(PUT, {"id": f"seen-{struct_of.__name__}", "state": "new"})
            assert await struct_of(FIND, Found, {"whole": f"seen-{struct_of.__name__}"})
    assert await stands(database, "seen-execute") == ("old", None, 1)


async def test_what_was_put_and_never_asked_for_is_there_after_commit(database: Database) -> None:
    async with database.tx() as tx:
        tx.put(PUT, {"id": "quiet"})
        assert not tx.wrote
    assert await stands(database, "quiet") == (None, None, 0)


async def test_what_was_put_is_gone_with_its_transaction(database: Database) -> None:
    async def refuse() -> None:
        async with database.tx() as tx:
            tx.put(PUT, {"id": "gone"})
            tx.later(CHANGE, "gone", {"of_whole": "gone", "state": "x"})
            raise Conflict("no", "no")

    with pytest.raises(Conflict):
        await refuse()
    assert await stands(database, "gone") is None


async def test_like_rows_are_one_statement_and_their_parents_come_first(database: Database) -> None:
    async with writes(database) as found, database.tx() as tx:
        for number in range(20):
            tx.put(PUT, {"id": f"parent-{number}"})
            tx.put(PUT_PIECE, {"id": f"piece-{number}", "whole": f"parent-{number}"})
    assert found == ["INSERT"]
    async with database.reading() as tx:
        assert await tx.scalar(select(func.count()).where(pieces.c.id.like("piece-%"))) == 20


async def test_rows_with_different_columns_keep_their_defaults(database: Database) -> None:
    async with database.tx() as tx:
        tx.put(PUT, {"id": "short"})
        tx.put(PUT, {"id": "long", "version": 5, "state": None})
        tx.put(PUT, {"id": "noted", "note": "x"})
    assert [await stands(database, key) for key in ("short", "long", "noted")] == [(None, None, 0), (None, None, 5), (None, "x", 0)]


async def test_a_row_that_changes_before_it_is_written_is_written_once(database: Database) -> None:
    async with writes(database) as found, database.tx() as tx:
        for key in ("once-1", "once-2"):
            tx.put(PUT, {"id": key, "state": "new", "note": "first"})
            assert tx.is_fresh(wholes, key)
            tx.later(CHANGE, key, {"of_whole": key, "state": "old"})
            tx.later(CHANGE, key, {"of_whole": key, "note": key})
    assert found == ["INSERT"]
    assert await stands(database, "once-1") == ("old", "once-1", 0)
    assert await stands(database, "once-2") == ("old", "once-2", 0)


async def test_a_row_that_is_written_already_is_changed_once_at_the_end(database: Database) -> None:
    async with writes(database) as found, database.tx() as tx:
        for key in ("twice-1", "twice-2"):
            tx.put(PUT, {"id": key, "state": "new"})
        assert await tx.scalar(FIND, {"whole": "twice-1"}) == "new"
        for key in ("twice-1", "twice-2"):
            assert not tx.is_fresh(wholes, key)
            tx.later(CHANGE, key, {"of_whole": key, "state": "old"})
            tx.later(CHANGE, key, {"of_whole": key, "state": "older"})
    assert found == ["INSERT", "UPDATE"]
    assert await stands(database, "twice-1") == await stands(database, "twice-2") == ("older", None, 1)


@pytest.mark.parametrize("read", [False, True], ids=["fresh", "written"])
async def test_what_a_statement_reckons_it_reckons_from_the_row_as_it_was(database: Database, *, read: bool) -> None:
    key = f"reckoned-{read}"
    async with database.tx() as tx:
        tx.put(PUT, {"id": key, "state": "new"})
        if read:
            await tx.row(FIND, {"whole": key})
        tx.later(RECKON, key, {"of_whole": key, "state": "old"}, reckons=True)
        tx.later(CHANGE, key, {"of_whole": key, "state": "older"})
    assert await stands(database, key) == ("older", "new!", 2)


async def test_a_change_of_a_put_row_before_what_is_reckoned_counts(database: Database) -> None:
    async with database.tx() as tx:
        tx.put(PUT, {"id": "before", "state": "new"})
        tx.later(CHANGE, "before", {"of_whole": "before", "state": "old"})
        tx.later(RECKON, "before", {"of_whole": "before"}, reckons=True)
    assert await stands(database, "before") == ("old", "old!", 1)


async def test_what_is_said_last_holds_whichever_statement_said_it(database: Database) -> None:
    """Also where another row was changed in the other order."""
    async with database.tx() as tx:
        for key in ("last-1", "last-2"):
            tx.put(PUT, {"id": key, "state": "new"})
        await tx.row(FIND, {"whole": "last-1"})
        tx.later(CHANGE, "last-1", {"of_whole": "last-1", "state": "a"})
        tx.later(RECKON, "last-1", {"of_whole": "last-1", "state": "b"}, reckons=True)
        tx.later(RECKON, "last-2", {"of_whole": "last-2", "state": "a"}, reckons=True)
        tx.later(CHANGE, "last-2", {"of_whole": "last-2", "state": "b"})
        tx.later(CHANGE, "last-1", {"of_whole": "last-1", "state": "c"})
    assert [(await stands(database, key) or ("nothing",))[0] for key in ("last-1", "last-2")] == ["c", "b"]


class TestMembers:
    async def test_what_a_member_puts_counts_once_it_is_taken_in(self, database: Database) -> None:
        async with writes(database) as found, database.tx() as tx:
            for number in range(3):
                member = tx.member(ADA, Trace.new())
                member.put(PUT, {"id": f"member-{number}", "state": "new"})
                member.later(CHANGE, f"member-{number}", {"of_whole": f"member-{number}", "state": "old"})
                if number != 1:
                    tx.take_in(member)
        assert found == ["INSERT"]
        assert [await stands(database, f"member-{number}") for number in range(3)] == [("old", None, 0), None, ("old", None, 0)]

    async def test_what_a_member_was_refused_leaves_nothing(self, database: Database) -> None:
        async with database.tx() as tx:
            tx.put(PUT, {"id": "kept", "state": "new"})
            await tx.row(FIND, {"whole": "kept"})
            member = tx.member(ADA, Trace.new())
            member.put(PUT, {"id": "refused"})
            member.later(CHANGE, "kept", {"of_whole": "kept", "state": "spoiled"})
            life.record(member, _born("refused"))
            assert not member.wrote
        assert await stands(database, "kept") == ("new", None, 0)
        assert await stands(database, "refused") is None
        assert await _told(database, "refused") == []

    async def test_a_member_that_has_written_says_so(self, database: Database) -> None:
        async with database.tx() as tx:
            for what in ("row", "execute"):
                member = tx.member(ADA, Trace.new())
                member.put(PUT, {"id": f"said-{what}"})
                await getattr(member, what)(FIND, {"whole": f"said-{what}"})
                assert member.wrote
            reads = tx.member(ADA, Trace.new())
            await reads.row(FIND, {"whole": "said-row"})
            assert not reads.wrote

    async def test_each_members_moves_are_told_as_its_own_in_their_order(self, database: Database) -> None:
        async with database.tx() as tx:
            members = [tx.member(who, Trace.new()) for who in (ADA, BOB, ADA)]
            for number, member in enumerate(members):
                life.record(member, _born("saga", f"subject-{number}"))
                tx.take_in(member)
        assert await _told(database, "saga") == [
            (f"subject-{number}", str(who), members[number].trace.correlation_id) for number, who in enumerate((ADA, BOB, ADA))
        ]
        assert tx.changed == {"saga"}


class TestSavepoints:
    async def test_what_was_put_before_it_stays(self, database: Database) -> None:
        async with database.tx() as tx:
            tx.put(PUT, {"id": "outside"})
            with pytest.raises(IntegrityError):
                async with tx.savepoint():
                    await tx.execute(PUT, {"id": "outside"})
        assert await stands(database, "outside") == (None, None, 0)

    async def test_what_was_put_in_it_goes_with_it(self, database: Database) -> None:
        async with database.tx() as tx:
            with pytest.raises(Conflict):
                await _put_and_refuse(tx)
            async with tx.savepoint():
                tx.put(PUT, {"id": "inside-well"})
        assert await stands(database, "inside") is None
        assert await stands(database, "inside-well") == (None, None, 0)


async def _put_and_refuse(tx: Tx) -> None:
    async with tx.savepoint():
        tx.put(PUT, {"id": "inside"})
        raise Conflict("no", "no")


def _born(saga: str, subject: str = "subject") -> Move:
    return Move(life="test", subject_id=subject, saga_id=saga, event="born", before=None, after="new")


async def _told(database: Database, saga: str) -> list[tuple[Any, ...]]:
    t = life.timeline.c
    async with database.reading() as tx:
        rows = await tx.rows(select(t.subject_id, t.actor, t.correlation_id).where(t.saga_id == saga).order_by(t.seq))
        return [tuple(row) for row in rows]
