"""A perfect run, and each kind of difference made for real."""

from hub.ledger import recipes
from hub.ledger.recipes import Posting, clearing
from hub.reconcile.match import Mismatch
from tests.reconcile.conftest import PATIENT, Stage, only


async def test_everything_agrees(stage: Stage):
    account = await stage.account()
    order, captured = await stage.sell()
    transfer = await stage.pay_vendor(account, 9000, captured.charge, order)
    _, other = await stage.sell(5000)
    refund = await stage.gateway.refund("refund", charge=other.charge, amount=1000, currency="EUR", order_id="ord_x")
    moves = [Posting(recipes.COMMISSION, clearing("stripe"), 1000, "EUR")]
    await stage.book("refund", refund.reference, moves)
    report = await stage.reconcile()
    assert report.equal, report
    balance = only(report)
    assert {kind.kind: (kind.count, kind.amount, kind.fee) for kind in balance.kinds} == {
        "charge": (2, 15_000, captured.fee + other.fee),
        "refund": (1, -1000, 0),
        "transfer": (1, -9000, 0),
    }
    assert balance.opening == 0
    assert balance.closing == balance.ours == 15_000 - 1000 - 9000 - captured.fee - other.fee
    assert (balance.in_flight, balance.suspense, balance.unexplained) == (0, 0, 0)
    assert await stage.mirrors()
    assert (report.vendors_checked, report.vendor_balances, await stage.letters()) == (1, [], [])
    assert [each.standing for each in await stage.kept(transfer)] == ["matched"]


async def test_a_refund_made_in_the_dashboard(stage: Stage):
    _, captured = await stage.sell()
    refund = await stage.gateway.refund("dashboard", charge=captured.charge, amount=1000, currency="EUR", order_id="ord_x")
    patient = await stage.reconcile(rules=PATIENT)
    assert patient.equal
    assert (only(patient).difference, only(patient).in_flight) == (1000, 1000)
    report = await stage.reconcile()
    assert not report.equal
    assert [(each.problem, each.theirs, each.ours, each.reference) for each in report.differences] == [
        (Mismatch.UNBOOKED, -1000, None, refund.reference)
    ]
    assert report.differences[0].what_to_do
    assert (only(report).difference, only(report).suspense, only(report).unexplained) == (1000, 1000, 0)
    assert await stage.balance("suspense") == -1000
    assert await stage.mirrors()
    again = await stage.reconcile()
    assert again.differences == report.differences
    assert await stage.letters() == [("unbooked", "refund")]
    # The explanation comes late, and is taken once.
    await stage.book("refund", refund.reference, [Posting(recipes.COMMISSION, clearing("stripe"), 1000, "EUR")])
    for _ in range(2):
        late = await stage.reconcile()
        assert late.equal, late
        assert await stage.balance("suspense") == 0
        assert await stage.mirrors()


async def test_a_posting_without_a_movement(stage: Stage):
    await stage.sell()
    invented = await stage.book("refund", "re_invented", [Posting(recipes.COMMISSION, clearing("stripe"), 700, "EUR")])
    nameless = await stage.book("refund_by_hand", None, [Posting(recipes.COMMISSION, clearing("stripe"), 30, "EUR")])
    assert only(await stage.reconcile(rules=PATIENT)).in_flight == -730
    for _ in range(2):
        report = await stage.reconcile()
        assert [(each.problem, each.ours, each.theirs, each.booking) for each in report.differences] == [
            (Mismatch.MISSING, -700, None, invented),
            (Mismatch.NO_REFERENCE, -30, None, nameless),
        ]
        assert (only(report).suspense, only(report).unexplained) == (-730, 0)
        assert await stage.balance("suspense") == 730
        assert await stage.mirrors()


async def test_a_movement_that_comes_after_its_posting_was_put_into_suspense(stage: Stage):
    order, captured = await stage.charge()
    moves = recipes.capture("stripe", order, 10_000, captured.fee, "EUR")
    movement = stage.sandbox.store.find("balance_transaction", "")[0]
    stage.sandbox.store.remove(movement["id"])
    await stage.book("capture", captured.charge, moves, order_id=order)
    assert [each.problem for each in (await stage.reconcile()).differences] == [Mismatch.MISSING]
    stage.sandbox.store.add(movement)
    report = await stage.reconcile()
    assert report.equal, report
    assert await stage.balance("suspense") == 0
    assert await stage.mirrors()


async def test_a_fee_and_an_amount_that_differ(stage: Stage):
    order, captured = await stage.charge()
    await stage.book("capture", captured.charge, recipes.capture("stripe", order, 10_000, captured.fee - 5, "EUR"), order_id=order)
    other_order, other = await stage.charge(2000)
    await stage.book("capture", other.charge, recipes.capture("stripe", other_order, 1990, other.fee, "EUR"), order_id=other_order)
    report = await stage.reconcile()
    assert {each.problem: (each.theirs or 0) - (each.ours or 0) for each in report.differences} == {Mismatch.FEE: -5, Mismatch.AMOUNT: 10}
    assert await stage.balance("suspense") == 5
    assert (only(report).suspense, only(report).unexplained) == (-5, 0)
    assert await stage.mirrors()


async def test_another_currency(stage: Stage):
    order, captured = await stage.charge(currency="USD")
    await stage.book("capture", captured.charge, recipes.capture("stripe", order, 10_000, captured.fee, "EUR"), order_id=order)
    report = await stage.reconcile()
    assert [each.problem for each in report.differences] == [Mismatch.CURRENCY]
    assert [(each.currency, each.closing, each.unexplained) for each in report.balances] == [
        ("EUR", 0, 0),
        ("USD", 10_000 - captured.fee, 0),
    ]
    assert await stage.mirrors("EUR")
    assert await stage.mirrors("USD")


async def test_one_booking_for_two_movements_and_one_movement_booked_twice(stage: Stage):
    _, captured = await stage.sell()
    refund = await stage.gateway.refund("once", charge=captured.charge, amount=100, currency="EUR", order_id="ord_x")
    for _ in range(2):
        await stage.book("refund", refund.reference, [Posting(recipes.COMMISSION, clearing("stripe"), 100, "EUR")])
    movement = stage.sandbox.store.find("balance_transaction", "", [("$.source", "=", captured.charge)])[0]
    stage.sandbox.store.add(movement | {"id": "txn_again"})
    report = await stage.reconcile()
    assert {(each.problem, each.movement) for each in report.differences} == {
        (Mismatch.DOUBLE, max(movement["id"], "txn_again")),
        (Mismatch.BOOKED_TWICE, None),
    }
    assert await stage.mirrors()
    assert only(report).unexplained == 0


async def test_what_was_ordered_and_never_happened_undoes_itself(stage: Stage):
    """As the bank refuses a transfer that was booked when it was ordered: before the second posting it is a difference, then none."""
    await stage.sell()
    await stage.account()
    owed = recipes.vendor_account("acme")
    out, back = recipes.transfer("stripe", owed, 300, "EUR"), recipes.reverse("stripe", owed, 300, "EUR")
    await stage.book("transfer", "bo_1", out)
    await stage.book("transfer_failed", "bo_1", back)
    assert (await stage.reconcile()).equal
    await stage.book("transfer", "bo_2", out)
    assert [each.problem for each in (await stage.reconcile()).differences] == [Mismatch.MISSING]
    await stage.book("transfer_failed", "bo_2", back)
    for _ in range(2):
        report = await stage.reconcile()
        assert report.equal, report
        assert (only(report).difference, await stage.balance("suspense")) == (0, 0)
        assert await stage.mirrors()


async def test_our_own_payout_goes_out_and_comes_back(stage: Stage):
    await stage.sell()
    await stage.turn("advance", seconds=3 * 86_400)
    sent = await stage.gateway.pay_out("ours", account=None, amount=4000, currency="EUR")
    _bring_back(stage, 3 * 86_400)
    assert (await stage.reconcile()).equal
    assert await stage.balance("bank") == -4000
    await stage.turn(f"payouts/{sent.reference}/fail", failure_code="account_closed")
    _bring_back(stage, 3 * 86_400)
    report = await stage.reconcile()
    assert report.equal, report
    assert {kind.kind: kind.net for kind in only(report).kinds if kind.kind.startswith("payout")} == {
        "payout": -4000,
        "payout_failure": 4000,
    }
    assert await stage.balance("bank") == 0
    assert await stage.mirrors()
    assert [each.standing for each in await stage.kept(sent.reference)] == ["matched", "matched"]


async def test_a_dispute_takes_with_a_fee_and_gives_back_without(stage: Stage):
    _, captured = await stage.sell()
    await stage.turn(f"charges/{captured.charge}/dispute", amount=4000)
    dispute = stage.sandbox.store.find("dispute", "")[0]["id"]
    (taken,) = (await stage.gateway.look_dispute(dispute)).movements
    assert taken.fee > 0
    assert [each.problem for each in (await stage.reconcile()).differences] == [Mismatch.UNBOOKED]
    await stage.book("dispute", taken.id, recipes.dispute_taken("stripe", "dsp_1", 4000, taken.fee, "EUR"))
    assert (await stage.reconcile()).equal
    await stage.turn(f"disputes/{dispute}/close", status="won")
    _, given = (await stage.gateway.look_dispute(dispute)).movements
    await stage.book("dispute", given.id, recipes.dispute_returned("stripe", "dsp_1", given.amount, -given.fee, "EUR"))
    report = await stage.reconcile()
    assert report.equal, report
    assert await stage.mirrors()
    assert await stage.balance("dispute:dsp_1") == 0


async def test_the_providers_own_fees(stage: Stage):
    await stage.sell()
    before = await stage.balance("processing_fees")
    await stage.turn("movements", amount=-250, currency="eur", type="stripe_fee")
    assert (await stage.reconcile()).equal
    assert await stage.balance("processing_fees") == before - 250
    assert await stage.mirrors()


async def test_three_decimals_and_none(stage: Stage):
    await stage.sell(12_340, "KWD")
    await stage.sell(999, "JPY")
    _, captured = await stage.sell(5_010, "KWD")
    await stage.gateway.refund("dashboard", charge=captured.charge, amount=10, currency="KWD", order_id="ord_x")
    report = await stage.reconcile()
    assert [(each.currency, each.suspense, each.unexplained) for each in report.balances] == [("JPY", 0, 0), ("KWD", 10, 0)]
    assert await stage.mirrors("KWD")
    assert await stage.mirrors("JPY")


def _bring_back(stage: Stage, seconds: int) -> None:
    """Date what happened in the sandbox's future as of now: our books know only one clock."""
    store = stage.sandbox.store
    now = stage.sandbox.now() - seconds
    for movement in store.find("balance_transaction", "", [("$.created", ">", now)]):
        store.put(movement | {"created": now})
