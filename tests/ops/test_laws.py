"""Each law holds in a world that is right, and is broken by what it forbids, in the full check and in production's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.ops import invariants
from hub.ops.law import Law
from hub.ops.laws import LAWS
from hub.runtime.database import Database, Tx

POSTED = "INSERT INTO ledger_postings (transaction_id, source, destination, amount, currency) SELECT id, {}, 'EUR' FROM ledger_transactions"
STEP = (
    "INSERT INTO steps (id, saga_id, subject_id, target, kind, payload, redrive_seconds, due_at, correlation_id, traceparent, "
    "attempt, state, created_at) VALUES ('cmd_1', 'ord_1', 'x', '@hub', '{}', '{{}}', 1, now(), '', '', {}, '{}', now() - interval '{}')"
)
RETURN = (
    "INSERT INTO returns (id, order_id, sub_order_id, vendor, pays_shipping, state, refund_id) "
    "VALUES ('ret_1', 'ord_1', 'sub_1', 'a', 'buyer', '{}', {})"
)
RETURN_LINE = (
    "INSERT INTO return_lines (return_id, line_id, offer_id, sku, quantity, reason, good) VALUES ('ret_1', 'ln_1', 'o', 's', 99, 'x', {})"
)
LETTER = (
    "INSERT INTO dead_letters "
    "(id, source, identity, target, kind, step_id, saga_id, reason, detail, headers, payload, attempts, fingerprint) "
    "VALUES ('dl_1', '{}', '{}', 'a', 'x', {}, 'ord_1', 'x', 'x', '{{}}', '', 1, 'x')"
)
DISPUTE = (
    "INSERT INTO disputes (id, order_id, payment_id, gateway, reference, state, amount, currency) "
    "VALUES ('dsp_1', 'ord_1', 'pay_1', 'stripe', 'dp_1', 'lost', 5, 'EUR')"
)
CAPTURED_AGAIN = (
    "INSERT INTO ledger_transactions (id, kind, order_id, cause, reference) VALUES ('txn_2', 'capture', 'ord_1', 'again', 'ch_1')"
)
MOVED = (
    "INSERT INTO provider_movements (id, gateway, kind, amount, fee, net, currency, at) "
    "VALUES ('txn_x', 'stripe', 'charge', 1, 0, 1, 'EUR', now() - interval '1 day')"
)

BREAKS: dict[str, tuple[str, ...]] = {
    "I1_balances_are_postings": ("UPDATE ledger_balances SET balance = balance + 1 WHERE account = 'vendor:a'",),
    "I2_movements_explained": (
        "INSERT INTO reconcile_cursors VALUES ('stripe', now(), now())",
        MOVED,
    ),
    "I3_capture_allocated": (POSTED.format("'clearing:stripe', 'order:ord_1', 1") + " WHERE kind = 'fine'",),
    "I3_one_capture": (CAPTURED_AGAIN,),
    "I3_captured_is_booked": ("UPDATE payments SET captured = captured - 1",),
    "I3_captured_is_what_was_accepted": ("UPDATE sub_orders SET state = 'accepted' WHERE id = 'sub_3'",),
    "I3_shares_as_frozen": ("UPDATE sub_orders SET commission = commission - 1 WHERE id = 'sub_2'",),
    "I4_charge_covers_transfers": ("UPDATE transfers SET charge = 'ch_1', amount = 6901 WHERE id = 'trf_3'",),
    "I4_sent_only_when_released": ("UPDATE transfers SET account = NULL",),
    "I5_reversed_is_taken_back": ("UPDATE transfers SET reversed = 2001 WHERE id = 'trf_1'",),
    "I5_refunded_within_captured": ("UPDATE refunds SET amount = 13001, share = 12601, from_debt = 9701",),
    "I5_refunds_are_pieces": ("UPDATE lines SET refunded = 4199 WHERE id = 'ln_1'",),
    "I6_never_negative": (
        "ALTER TABLE ledger_balances DROP CONSTRAINT ck_ledger_balances_never_negative",
        "UPDATE ledger_balances SET balance = -1 WHERE account = 'reserve:a:sub_1'",
    ),
    "I6_share_goes_somewhere": ("UPDATE transfers SET netted = 1 WHERE id = 'trf_1'",),
    "I7_one_object_a_step": (CAPTURED_AGAIN,),
    "I8_vendors_got_what_is_booked": ("UPDATE transfers SET amount = 8101 WHERE id = 'trf_1'",),
    "I9_nothing_in_doubt_for_long": (STEP.format("payment.capture", 1, "open", "2 hours"),),
    "I10_refunds_add_up": ("UPDATE refunds SET from_debt = 701",),
    "I10_gathered_for_refunds": ("UPDATE refunds SET state = 'failed'",),
    "I10_disputes_are_borne": (DISPUTE, POSTED.format("'dispute:dsp_1', 'clearing:stripe', 5") + " WHERE kind = 'fine'"),
    "R1_returned_was_bought": (RETURN.format("refused", "NULL"), RETURN_LINE.format(99)),
    "R2_returned_is_given_back": (RETURN.format("refunded", "NULL"), RETURN_LINE.format(1), "UPDATE lines SET refunded = 0"),
    "R3_refund_is_of_its_part": (RETURN.format("refunded", "'ref_1'"), "UPDATE returns SET sub_order_id = 'sub_2'"),
    "R4_restocked_was_good": (
        RETURN.format("refunded", "NULL"),
        RETURN_LINE.format(1),
        STEP.format("stock.restock", 1, "done", "0").replace("'{}', 1,", """'{"return_id": "ret_1", "items": [{"quantity": 2}]}', 1,"""),
    ),
    "R5_received_returns_move": (RETURN.format("received", "NULL"),),
    "returns_end": (RETURN.format("requested", "NULL"),),
    "nothing_held": ("UPDATE ledger_balances SET balance = 1 WHERE account = 'held:a:sub_1'",),
    "money_ends": ("UPDATE reversals SET state = 'sending'",),
    "stock_adds_up": (
        "ALTER TABLE stock DROP CONSTRAINT ck_stock_conserved",
        "INSERT INTO stock (offer_id, on_hand, received) VALUES ('off_9', 1, 2)",
    ),
    "promises_have_orders": ("INSERT INTO stock (offer_id, on_hand, reserved, received) VALUES ('off_9', 0, 1, 1)",),
    "shipped_have_orders": ("INSERT INTO stock (offer_id, on_hand, shipped, received) VALUES ('off_9', 0, 1, 1)",),
    "I9_open_steps_are_due": (
        "ALTER TABLE steps DROP CONSTRAINT ck_steps_open_is_due",
        "ALTER TABLE steps ALTER due_at DROP NOT NULL",
        STEP.format("x", 0, "open", "0"),
        "UPDATE steps SET due_at = NULL",
    ),
    "I9_dead_steps_are_kept": (STEP.format("x", 1, "dead", "0"),),
    "living_orders_move": ("UPDATE orders SET state = 'shipped'",),
    "roll_up_is_true": ("UPDATE sub_orders SET state = 'shipped' WHERE id = 'sub_2'",),
    "orders_end": ("UPDATE orders SET state = 'shipped'",),
    "nothing_open": (STEP.format("x", 0, "open", "0"),),
    "nothing_reserved": ("INSERT INTO stock (offer_id, on_hand, reserved, received) VALUES ('off_9', 0, 1, 1)",),
}
TRUE_BY_FORM = {"I1_books_balance"}
"""A posting names source and destination: no row that can be written breaks it."""


@asynccontextmanager
async def broken(database: Database, *statements: str) -> AsyncIterator[Tx]:
    """The world after somebody with all rights, past every trigger and foreign key, has done this; undone at the end."""
    async with database.reading() as tx:
        for statement in statements:
            role = "origin" if "ledger_postings" in statement else "replica"  # what is posted is posted as always
            await tx.execute(text(f"SET LOCAL session_replication_role = {role}"))
            await tx.execute(text(statement))
        yield tx


def test_every_law_is_broken_once_below() -> None:
    assert {law.name for law in LAWS} == {*BREAKS, *TRUE_BY_FORM}
    assert len({law.name for law in LAWS}) == len(LAWS)


async def test_all_laws_hold_in_a_world_that_is_right(world: Database) -> None:
    async with world.reading() as tx:
        assert await invariants.check(tx) == []
        assert await invariants.check_lately(tx, ["ord_1"]) == []
        at_rest = await invariants.check(tx, settled=True)
    assert {breach.law for breach in at_rest} == {"nothing_held", "money_ends"}, "sub_2 is still held"
    assert await invariants.watch(world) == []


@pytest.mark.parametrize("law", [law for law in LAWS if law.name in BREAKS], ids=lambda law: law.name)
async def test_a_law_is_broken_by_what_it_forbids(world: Database, law: Law) -> None:
    async with broken(world, *BREAKS[law.name]) as tx:
        assert law.name in {breach.law for breach in await invariants.check(tx, settled=law.settled)}
        lately = {breach.law for breach in await invariants.check_lately(tx, ["ord_1"])}
        assert (law.name in lately) is (law.lately is not None)
        elsewhere = {breach.law for breach in await invariants.check_lately(tx, ["ord_2"])}
        assert (law.name in elsewhere) is (law.lately is not None and law.narrow is None)


@pytest.mark.parametrize(
    ("state", "letter", "stands"),
    [
        ("in_transit", LETTER.format("return", "return:ret_1:reception_overdue", "NULL"), True),
        ("requested", LETTER.format("step", "step:cmd_1", "'cmd_1'"), True),
        ("requested", LETTER.format("step", "step:cmd_2", "'cmd_2'"), False),
        ("in_transit", LETTER.format("return", "return:ret_11:reception_overdue", "NULL"), False),
        ("in_transit", LETTER.format("promise", "promise:sub_1:ship", "NULL"), False),
        ("received", LETTER.format("return", "return:ret_1:reception_overdue", "NULL"), False),
    ],
)
async def test_a_return_may_wait_where_an_operator_was_told_of_it(world: Database, state: str, letter: str, stands: bool) -> None:
    asked = "UPDATE returns SET authorize_id = 'cmd_1'"
    async with broken(world, RETURN.format(state, "NULL"), asked, letter) as tx:
        assert ("returns_end" not in {breach.law for breach in await invariants.check(tx, settled=True)}) is stands


async def test_a_breach_is_kept_once_as_a_dead_letter(world: Database) -> None:
    async with world.tx() as tx:
        await tx.execute(text("UPDATE transfers SET netted = 1 WHERE id = 'trf_1'"))
    try:
        found = [await invariants.watch(world) for _ in range(2)]
        assert [[breach.law for breach in breaches] for breaches in found] == [["I6_share_goes_somewhere"]] * 2
        async with world.reading() as tx:
            (letter,) = await tx.mappings(text("SELECT source, kind, saga_id, detail, payload FROM dead_letters"))
        assert (letter["source"], letter["kind"], letter["saga_id"]) == ("law", "I6_share_goes_somewhere", "ord_1")
        assert letter["detail"] == "broken: every cent of a share is held, reserved, transferred, netted or refunded"
        assert '"moved":"8101"' in letter["payload"]
    finally:
        async with world.tx() as tx:
            await tx.execute(text("UPDATE transfers SET netted = 0 WHERE id = 'trf_1'"))


async def test_the_watch_looks_only_at_what_was_touched_lately(world: Database) -> None:
    async with world.tx() as tx:
        await tx.execute(text("UPDATE transfers SET netted = 2 WHERE id = 'trf_1'"))
    try:
        assert await invariants.watch(world, timedelta(seconds=0)) == []
        assert len(await invariants.watch(world)) == 1
    finally:
        async with world.tx() as tx:
            await tx.execute(text("UPDATE transfers SET netted = 0 WHERE id = 'trf_1'"))
