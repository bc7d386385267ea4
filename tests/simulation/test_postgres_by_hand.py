"""What the simulation has by hand (the hub's own SQL text, its triggers) against what PostgreSQL makes of the text."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from hub.cart import coupons
from hub.ledger import store as ledger
from hub.ledger.tables import balances, postings, transactions
from hub.liveness import store as liveness
from hub.liveness.tables import vendor_liveness
from hub.orders.lock_and_end import lock_and_end
from hub.orders.tables import orders as order_rows
from hub.runtime import steps
from hub.runtime.claim import CLAIM as CLAIM_STEPS
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET, Outcome, Step, StepState
from hub.simulation.postgres.by_hand import BY_HAND
from hub.vendors.tables import vendors
from hub.webhooks import store as webhooks
from hub.webhooks.tables import provider_events
from tests.simulation.postgres_play import TARGETS, Both, moments, plain, some_steps, two_databases

SEEDS = range(8)


@pytest_asyncio.fixture(scope="module")
async def both(database_url: str) -> AsyncIterator[Both]:
    async with two_databases(database_url) as made:
        yield made


def by_id(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(plain(rows))


async def play(both: Both, statement: Any, values: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows that a statement gives on each."""
    assert statement.text in BY_HAND
    real, simulated = await both.answers(lambda tx: tx.rows(statement, values))
    return by_id(real), by_id(simulated)


@pytest.mark.parametrize("seed", SEEDS)
async def test_due_steps_are_claimed_alike(both: Both, seed: int) -> None:
    dice = Random(seed)
    await both.clear(steps.steps)
    await both.fill(steps.steps, some_steps(dice))
    values = {"per_target": dice.choice((1, 3, 100)), "sending": dice.random() < 0.7, "own": dice.choice((1, 100))}
    real, simulated = await play(both, CLAIM_STEPS, values)
    assert [_without_json(row) for row in simulated] == [_without_json(row) for row in real]
    assert real
    (there, here), now = await both.rows(steps.steps), both.nature.moment
    for one, other in zip(there, here, strict=True):
        if one["sent_at"] is not None:
            for row in (one, other):
                pause = min(300.0 if row["target"] == HUB_TARGET else 6 * 3600.0, row["redrive_seconds"] * 2 ** min(row["attempt"] - 1, 10))
                assert 0.9 * pause - 0.001 <= (row.pop("due_at") - now).total_seconds() <= 1.1 * pause + 0.001
        assert other == one


def _without_json(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Text gives JSON as it came: SQLAlchemy reads it only where it knows the column."""
    return tuple(value for place, value in enumerate(row) if place != steps.Step.__struct_fields__.index("payload"))


def an_order(order_id: str) -> dict[str, Any]:
    words = ("customer_id", "quote_id", "kind", "stage", "state", "payment_method")
    said = dict.fromkeys(words, order_id)
    return {"id": order_id, **said, "course": "forward", "currency": "EUR", "total": 0, "address": {}, "on_shortage": "cancel"}


@pytest.mark.parametrize("known", [True, False])
async def test_an_order_is_locked_and_its_step_ended_alike(both: Both, known: bool) -> None:
    await both.clear(steps.steps, order_rows)
    await both.fill(steps.steps, some_steps(Random(1)))
    await both.fill(order_rows, [an_order("ord_1")] if known else [])
    async with both.real.reading() as tx:
        there = await tx.all(steps.steps.select().with_only_columns(*steps.COLUMNS), Step)
    outcomes = [Outcome.ok(reference="r"), Outcome.refused("no_stock", "it's gone"), Outcome.dead("deadline")]

    async def end(tx: Tx, step: Step, outcome: Outcome) -> tuple[bool, bool]:
        return await lock_and_end(tx, step, outcome), "ord_1" in tx.held

    for number, step in enumerate(there):
        real, simulated = await both.answers(lambda tx, n=number, step=step: end(tx, step, outcomes[n % len(outcomes)]))
        assert simulated == real == (step.state == StepState.OPEN, True)
    one, other = await both.rows(steps.steps, "ended_at")
    assert other == one
    assert {row["state"] for row in one} == {"done", "dead"}
    assert all(row["reply"]["verdict"] == row["verdict"] for row in one if row["reply"])


@pytest.mark.parametrize("seed", SEEDS)
async def test_how_old_the_oldest_unanswered_command_is(both: Both, seed: int) -> None:
    dice = Random(seed)
    await both.clear(steps.steps, vendor_liveness)
    await both.fill(steps.steps, some_steps(dice))
    moment = moments(dice)
    known = [
        {"vendor": vendor, "since": moment(), "seen_at": moment(), "oldest_seconds": dice.choice((0.0, 7.5))}
        for vendor in (*TARGETS[:4], "quiet")
    ]
    await both.fill(vendor_liveness, known)
    real, simulated = await both.answers(lambda tx: tx.execute(liveness.OLDEST))
    assert simulated == real
    there, here = await both.rows(vendor_liveness)
    assert here == there
    assert any(row["oldest_seconds"] > 7.5 for row in there)


@pytest.mark.parametrize("seed", SEEDS)
async def test_provider_events_are_claimed_alike(both: Both, seed: int) -> None:
    dice = Random(seed)
    moment = moments(dice)
    await both.clear(provider_events)
    rows = [
        {
            "id": f"evt_{number:03}",
            "gateway": "stripe",
            "endpoint": "sweep",
            "kind": "charge.captured",
            "subject": f"ch_{number}",
            "account": dice.choice((None, "acct_1")),
            "received_at": moment(-6 * 86400, 0),
            "occurred_at": moment(-6 * 86400, 0),
            "state": dice.choice(("new", "parked", "applied", "ignored")),
            "attempts": dice.randrange(3),
            "due_at": moment(),
        }
        for number in range(40)
    ]
    await both.fill(provider_events, rows)
    real, simulated = await play(both, webhooks.CLAIM, {"limit": dice.choice((1, 5, 100)), "lease": 60, "days": 3})
    assert simulated == real
    assert real
    there, here = await both.rows(provider_events)
    assert here == there


@pytest.mark.parametrize("ago", [None, 0.5, 3.0, 30.0])
async def test_a_round_of_listening_begins_alike(both: Both, ago: float | None) -> None:
    await both.clear(vendor_liveness)
    values = {"every": 2.0, "gap": 10.0}
    if ago is not None:
        at = datetime.now(UTC) - timedelta(seconds=ago)  # noqa: TID251  # beside a real database's clock
        await both.fill(vendor_liveness, [{"vendor": "@hub", "since": at - timedelta(hours=1), "seen_at": at}])
    real, simulated = await play(both, liveness.BEGIN, values)
    assert simulated == real == ([] if ago == 0.5 else [("@hub",)])
    there, here = await both.rows(vendor_liveness)
    assert here == there


async def test_every_vendor_with_a_spoke_is_expected(both: Both) -> None:
    await both.clear(vendor_liveness, vendors)
    said: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"nkey_public": "U1"}, {"capabilities": ["stock"]}),
        ({"embedded_spoke": "dummy"}, {"capabilities": ["orders"]}),
        ({}, {"capabilities": ["orders"]}),
        ({"nkey_public": "U2"}, {"capabilities": []}),
        ({"nkey_public": "U3"}, {"capabilities": ["stock"], "state": "closed"}),
        ({"nkey_public": "U4"}, {"capabilities": ["stock"]}),
    ]
    for number, (spoke, more) in enumerate(said):
        await both.fill(vendors, [{"code": f"v{number}", "name": "V", "country": "DE", **spoke, **more}])
    at = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251  # beside a real database's clock
    await both.fill(vendor_liveness, [{"vendor": "v5", "since": at, "seen_at": at}])
    real, simulated = await both.answers(lambda tx: tx.execute(liveness.EXPECT))
    assert simulated == real == 2
    there, here = await both.rows(vendor_liveness)
    assert here == there


@pytest.mark.parametrize("codes", [[], ["a"], ["a", "b"]])
async def test_coupons_are_taken_one_by_one(both: Both, codes: list[str]) -> None:
    real, simulated = await both.answers(lambda tx: tx.rows(coupons.ONE_BY_ONE, {"codes": codes}))
    assert len(real) == len(simulated) == len(codes)


def accounts(number: int) -> list[str]:
    return ["clearing:stripe", "commission", *(f"{kind}:{number}" for kind in ("order", "held", "vendor", "receipts"))]


async def test_postings_keep_balances_and_refuse_alike(both: Both) -> None:
    dice, outcomes = Random(1), Counter[Any]()
    for number in range(40):
        names = accounts(number)
        kind = dice.choice(("allocate", "capture"))
        began = [("clearing:stripe", name, 20, "EUR") for name in names[2:] if dice.random() < 0.6]
        moves = [
            (*dice.sample(names, 2), dice.choice((0, 10, 10, 20)), dice.choice(("EUR", "EUR", "USD"))) for _ in range(dice.randint(1, 3))
        ]

        async def post(tx: Tx, number: int = number, kind: str = kind, all_moves: Any = (began, moves)) -> None:
            for what, listed in zip(("capture", kind), all_moves, strict=True):
                name = f"txn_{number}_{listed is all_moves[1]}"
                head = {"id": name, "kind": what, "cause": name, "order_id": str(number), "vendor": None, "reference": None}
                columns: Any = (list(column) for column in zip(*listed, strict=True)) if listed else ([], [], [], [])
                values = dict(zip(("sources", "destinations", "amounts", "currencies"), columns, strict=True))
                await tx.execute(ledger.POST, head | values)

        real, simulated = await both.answers(post)
        assert simulated == real
        outcomes[kind, real] += 1
    assert set(outcomes) == {("allocate", None), ("allocate", "23514"), ("capture", None), ("capture", "23514")}
    for table, left_out in ((balances, ""), (postings, "id"), (transactions, "")):
        there, here = await both.rows(table, left_out)
        assert here == there
