"""What PostgreSQL itself keeps of the books: balances, no account below zero that cannot owe, nothing left on an order."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.ledger import store as ledger
from hub.ledger.recipes import NEVER_NEGATIVE, Posting
from hub.runtime.database import Database


def move(source: str, destination: str, amount: int, currency: str = "EUR") -> Posting:
    return Posting(source, destination, amount, currency)


async def post(database: Database, *moves: Posting, kind: str = "strange", order_id: str | None = None) -> None:
    async with database.tx() as tx:
        await ledger.post(tx, kind, cause=tx.ids.new("cmd"), order_id=order_id, moves=moves)


async def balance(database: Database, account: str, currency: str = "EUR") -> int:
    async with database.reading() as tx:
        return await ledger.balance(tx, account, currency)


async def test_kept_balances_are_the_sum_of_postings_whatever_runs_beside_whatever(database: Database) -> None:
    random, accounts = Random(1), ["vendor:x", "vendor:y", "dispute:z", "commission", "clearing:stripe"]

    async def some(number: int) -> None:
        for _ in range(10):
            moves: list[Posting] = []
            for _ in range(random.randint(1, 4)):
                source, destination = random.sample(accounts, 2)
                moves.append(move(source, destination, random.randint(1, 99), random.choice(["EUR", "JPY"])))
            await post(database, *moves, kind=f"k{number}")

    await asyncio.gather(*(some(number) for number in range(10)))
    async with database.reading() as tx:
        kept = {(row.account, row.currency): row.balance for row in await tx.rows(text("SELECT * FROM ledger_balances"))}
        summed: Counter[tuple[str, str]] = Counter()
        for row in await tx.rows(text("SELECT * FROM ledger_postings")):
            summed[row.destination, row.currency] += row.amount
            summed[row.source, row.currency] -= row.amount
    assert kept == {key: amount for key, amount in summed.items() if key[0] in accounts[:3]}
    assert len(kept) == 6


@pytest.mark.parametrize("prefix", NEVER_NEGATIVE)
async def test_what_cannot_owe_never_falls_below_zero(database: Database, prefix: str) -> None:
    account = f"{prefix}n1:n2"
    with pytest.raises(IntegrityError, match="ck_ledger_balances_never_negative"):
        await post(database, move(account, "commission", 1))
    await post(database, move("clearing:stripe", account, 5))
    with pytest.raises(IntegrityError, match="ck_ledger_balances_never_negative"):
        await post(database, move(account, "commission", 6))
    await post(database, move(account, "commission", 6), move("clearing:stripe", account, 1))
    assert await balance(database, account) == 0


async def test_each_currency_is_an_account_of_its_own(database: Database) -> None:
    await post(database, move("clearing:stripe", "held:c:1", 5, "EUR"))
    with pytest.raises(IntegrityError, match="never_negative"):
        await post(database, move("held:c:1", "clearing:stripe", 5, "USD"))


async def test_two_cannot_both_take_the_last_cent(database: Database) -> None:
    await post(database, move("clearing:stripe", "held:r:1", 5))
    ended = await asyncio.gather(*(post(database, move("held:r:1", "commission", 5)) for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["IntegrityError"] * 4 + ["NoneType"]
    assert await balance(database, "held:r:1") == 0


async def test_a_vendor_may_owe_and_a_dispute_may_be_open(database: Database) -> None:
    await post(database, move("vendor:debtor", "commission", 7), move("dispute:d", "commission", 8))
    assert [await balance(database, account) for account in ("vendor:debtor", "dispute:d")] == [-7, -8]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_balances VALUES ('vendor:thief', 'EUR', 100)",
        "UPDATE ledger_balances SET balance = balance + 1",
        "DELETE FROM ledger_balances",
        "TRUNCATE ledger_balances",
    ],
)
async def test_nobody_writes_balances_but_postings(database: Database, statement: str) -> None:
    await post(database, move("bonuses", "vendor:rich", 7))
    with pytest.raises(DBAPIError) as refused:
        async with database.tx() as tx:
            await tx.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", "") == "23001"
    assert await balance(database, "vendor:thief") == 0


async def test_what_is_shared_out_is_shared_out_wholly(database: Database) -> None:
    captured = move("clearing:stripe", "order:ord_left", 10)
    with pytest.raises(IntegrityError, match="ord_left is not wholly shared out"):
        await post(database, captured, move("order:ord_left", "commission", 9), kind="allocate", order_id="ord_left")
    async with database.tx() as tx:
        for kind, moves in (
            ("allocate", [captured, move("order:ord_left", "commission", 4)]),
            ("rest", [move("order:ord_left", "tax", 6)]),
        ):
            await ledger.post(tx, kind, cause="cmd_left", order_id="ord_left", moves=moves)
    assert await balance(database, "order:ord_left") == 0


async def test_with_nothing_to_move_it_still_counts_as_posted(database: Database) -> None:
    async with database.tx() as tx:
        await ledger.post(tx, "empty", cause="cmd_empty", moves=[])
    with pytest.raises(IntegrityError, match="uq_ledger_transactions_kind_cause"):
        async with database.tx() as tx:
            await ledger.post(tx, "empty", cause="cmd_empty", moves=[])


async def test_transactions_that_touch_the_same_accounts_in_any_order_do_not_deadlock(database: Database) -> None:
    names = [f"vendor:v{number}" for number in range(6)]

    async def shuffled(seed: int) -> None:
        random = Random(seed)
        for _ in range(8):
            order: Sequence[str] = random.sample(names, len(names))
            await post(database, *(move("fines", name, 1) for name in order), kind=f"s{seed}")

    await asyncio.gather(*(shuffled(seed) for seed in range(8)))
    assert [await balance(database, name) for name in names] == [64] * 6


async def test_who_decides_about_an_account_decides_alone(database: Database) -> None:
    came: list[str] = []

    async def decide(name: str, seconds: float) -> None:
        async with database.tx() as tx:
            await ledger.lock(tx, "vendor:alone")
            came.append(f"{name} in")
            await asyncio.sleep(seconds)
            came.append(f"{name} out")

    await asyncio.gather(decide("first", 0.05), decide("second", 0.05))
    assert [word.split()[1] for word in came] == ["in", "out", "in", "out"]
