"""What was given up on is kept whole, and once."""

from typing import Any

import msgspec
from sqlalchemy import select

from hub.letters import store
from hub.letters.keep import PAYLOAD_MAX, Given, keep, keep_step
from hub.letters.states import LetterEvent
from hub.letters.tables import dead_letters as t
from hub.runtime import failures, steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import NewStep, Outcome


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
        assert await keep(tx, given("event:1"))
        row = await kept(tx, "event:1")
    assert row.id.startswith("dl_")
    assert (row.source, row.target, row.kind, row.reason, row.detail) == ("event", "acme", "stock.reserved", "malformed", "no JSON")
    assert (row.headers, row.payload, row.attempts, row.state) == ({"Mk-Attempt": "1"}, "{", 1, "open")


async def test_one_failure_noticed_twice_stands_here_once(database: Database) -> None:
    async with database.tx() as tx:
        noticed = [await keep(tx, given("event:2", source=source)) for source in ("event", "advisory", "sweep")]
        assert noticed == [True, False, False]
        assert (await kept(tx, "event:2")).source == "event"


async def test_alike_failures_share_a_fingerprint(database: Database) -> None:
    prints: list[str] = []
    async with database.tx() as tx:
        for number, more in enumerate(
            (
                {"detail": "no 'mug' in ord_0000000001: 17 left"},
                {"detail": 'no "pan" in ord_0000000002: 3.5 left', "payload": "["},
                {"target": "bolt"},
                {"kind": "x"},
                {"reason": "foreign"},
                {"detail": "other words"},
            )
        ):
            await keep(tx, given(f"event:3.{number}", **more))
            prints.append((await kept(tx, f"event:3.{number}")).fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 5


async def test_what_postgresql_cannot_hold_is_kept_as_well_as_can_be(database: Database) -> None:
    async with database.tx() as tx:
        await keep(tx, given("event:4", payload="a\0b" + "x" * 2 * PAYLOAD_MAX, detail="c\0d" + "y" * 9999))
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
        assert await keep_step(tx, step, Outcome.dead("deadline", "no answer"))
        assert not await keep_step(tx, step, Outcome.dead("max_deliveries"))
        row = await kept(tx, f"step:{step_id}")
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


async def test_a_step_that_dies_again_is_the_same_letter_open_again(database: Database) -> None:
    async with database.tx() as tx:
        new = NewStep(kind="stock.reserve", target="acme", saga_id="ord_2", subject_id="sub_2", payload={"amount": 700, "currency": "EUR"})
        (step_id,) = await steps.add(tx, new)
        (step,) = [s for s in await steps.claim(tx, per_target=9, sending=True) if s.id == step_id]
        await keep_step(tx, step, Outcome.dead("failed", "first"))
        letter = await store.get(tx, (await kept(tx, f"step:{step_id}")).id, lock=True)
        await store.advance(tx, letter, LetterEvent.REPLAY)
        assert not await keep_step(tx, msgspec.structs.replace(step, attempt=3), Outcome.dead("failed", "second"))
        again = await store.get(tx, letter.id)
        told = [failure.error for failure in await failures.of_step(tx, step_id)]
    assert (again.state, again.times, again.attempts, again.detail, again.at_risk, again.currency) == ("open", 2, 3, "second", 700, "EUR")
    assert told == ["failed: second", "failed: first"]
