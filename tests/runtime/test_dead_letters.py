"""What was given up on is kept whole, and once."""

from typing import Any

import msgspec
from sqlalchemy import select

from hub.runtime import dead_letters, steps
from hub.runtime.database import Database, Tx
from hub.runtime.dead_letters import PAYLOAD_MAX, Given
from hub.runtime.steps import NewStep, Outcome

t = dead_letters.dead_letters


def given(identity: str, **more: Any) -> Given:
    said: dict[str, Any] = {
        "source": "event",
        "target": "acme",
        "kind": "stock.reserved",
        "reason": "malformed",
        "detail": "no JSON",
        "headers": {"Mk-Attempt": "1"},
        "payload": "{",
    }
    return Given(identity=identity, **(said | more))


async def kept(tx: Tx, identity: str) -> Any:
    (row,) = await tx.rows(select(t).where(t.c.identity == identity))
    return row


async def test_a_message_is_kept_whole(database: Database) -> None:
    async with database.tx() as tx:
        assert await dead_letters.keep(tx, given("event:1"))
        row = await kept(tx, "event:1")
    assert row.id.startswith("dl_")
    assert (row.source, row.target, row.kind, row.reason, row.detail) == ("event", "acme", "stock.reserved", "malformed", "no JSON")
    assert (row.headers, row.payload, row.attempts, row.state) == ({"Mk-Attempt": "1"}, "{", 1, "open")


async def test_one_failure_noticed_twice_stands_here_once(database: Database) -> None:
    async with database.tx() as tx:
        noticed = [await dead_letters.keep(tx, given("event:2", source=source)) for source in ("event", "advisory", "sweep")]
        assert noticed == [True, False, False]
        assert (await kept(tx, "event:2")).source == "event"


async def test_alike_failures_share_a_fingerprint(database: Database) -> None:
    prints: list[str] = []
    async with database.tx() as tx:
        for number, more in enumerate(({}, {"detail": "other", "payload": "["}, {"target": "bolt"}, {"kind": "x"}, {"reason": "foreign"})):
            await dead_letters.keep(tx, given(f"event:3.{number}", **more))
            prints.append((await kept(tx, f"event:3.{number}")).fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


async def test_what_postgresql_cannot_hold_is_kept_as_well_as_can_be(database: Database) -> None:
    async with database.tx() as tx:
        await dead_letters.keep(tx, given("event:4", payload="a\0b" + "x" * 2 * PAYLOAD_MAX, detail="c\0d" + "y" * 9999))
        row = await kept(tx, "event:4")
    assert row.payload.startswith("a\N{REPLACEMENT CHARACTER}bxx")
    assert len(row.payload) == PAYLOAD_MAX
    assert row.detail.startswith("cdyy")
    assert len(row.detail) <= 4000


async def test_a_step_that_died_can_be_told_from_its_letter(database: Database) -> None:
    async with database.tx() as tx:
        new = NewStep(kind="stock.reserve", target="acme", saga_id="ord_1", subject_id="sub_1", payload={"sku": "mug", "n": 2})
        (step_id,) = await steps.add(tx, new)
        (step,) = await steps.claim(tx, per_target=1, sending=True)
        assert await dead_letters.keep_step(tx, step, Outcome.dead("deadline", "no answer"))
        assert not await dead_letters.keep_step(tx, step, Outcome.dead("max_deliveries"))
        row = await kept(tx, f"step:{step_id}:1")
    assert (row.step_id, row.saga_id, row.target, row.kind, row.reason, row.attempts) == (
        step_id,
        "ord_1",
        "acme",
        "stock.reserve",
        "deadline",
        1,
    )
    assert msgspec.json.decode(row.payload) == {"sku": "mug", "n": 2}
    assert row.headers == {"traceparent": step.traceparent, "correlation_id": step.correlation_id}
