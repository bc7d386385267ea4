"""Law I8: a vendor's account holds what our transfers, reversals and payouts make of it, one movement for each."""

from sqlalchemy import insert, update

from hub.reconcile.match import Mismatch
from hub.reconcile.report import Report
from hub.reconcile.run import Rules
from hub.refunds.tables import refunds, reversals
from hub.transfers.tables import transfers
from tests.reconcile.conftest import AT_ONCE, PATIENT, Stage


def found(report: Report) -> list[tuple[str, int | None, int | None]]:
    return [(each.problem, each.theirs, each.ours) for each in report.differences if each.vendor == "acme"]


def holds(report: Report) -> list[tuple[int, int]]:
    return [(each.theirs, each.ours) for each in report.vendor_balances]


async def test_a_transfer_made_by_somebody_else(stage: Stage):
    account = await stage.account()
    order, captured = await stage.sell()
    await stage.pay_vendor(account, 4000, captured.charge, order)
    strange = await stage.gateway.transfer("x", charge=captured.charge, account=account, amount=500, currency="EUR", order_id=order)
    assert (await stage.reconcile(rules=PATIENT)).equal
    report = await stage.reconcile()
    assert found(report) == [(Mismatch.UNBOOKED, 500, None)]
    assert holds(report) == [(4500, 4000)]
    assert [(each.problem, each.reference) for each in report.differences if each.vendor is None] == [(Mismatch.UNBOOKED, strange)]
    assert await stage.mirrors()
    assert sorted(await stage.letters()) == [("unbooked", "reconcile"), ("unbooked", "transfer"), ("vendor_balance", "reconcile")]
    await stage.reconcile()
    assert len(await stage.letters()) == 3


async def test_a_transfer_that_never_came(stage: Stage):
    await stage.account()
    await stage.write_transfer(700, "tr_invented")
    report = await stage.reconcile()
    assert (found(report), holds(report)) == ([(Mismatch.MISSING, None, 700)], [(0, 700)])
    assert not report.equal


async def test_reversals(stage: Stage):
    account = await stage.account()
    order, captured = await stage.sell()
    reference = await stage.pay_vendor(account, 4000, captured.charge, order)
    back = await stage.gateway.reverse("back", transfer=reference, amount=1500, order_id=order)
    report = await stage.reconcile()
    assert (found(report), holds(report)) == ([(Mismatch.UNBOOKED, -1500, None)], [(2500, 4000)])
    await _write_reversal(stage, reference, 1500, back)
    report = await stage.reconcile()
    assert (found(report), holds(report)) == ([], [])


async def test_payouts_that_arrive_and_that_come_back(stage: Stage):
    account = await stage.account()
    order, captured = await stage.sell()
    await stage.pay_vendor(account, 4000, captured.charge, order)
    await stage.turn("advance", seconds=3 * 86_400)
    first = await stage.gateway.pay_out("first", account=account, amount=1000, currency="EUR")
    second = await stage.gateway.pay_out("second", account=account, amount=600, currency="EUR")
    await stage.turn(f"payouts/{second.reference}/fail", failure_code="account_closed")
    now = stage.sandbox.now() - 3 * 86_400
    for movement in stage.sandbox.store.find("balance_transaction", account, [("$.created", ">", now)]):
        stage.sandbox.store.put(movement | {"created": now})
    report = await stage.reconcile()
    assert sorted(found(report)) == [(Mismatch.UNBOOKED, -1000, None), (Mismatch.UNBOOKED, -600, None), (Mismatch.UNBOOKED, 600, None)]
    await stage.write_payout(account, 1000, first.reference)
    await stage.write_payout(account, 600, second.reference)
    report = await stage.reconcile()
    assert (found(report), holds(report)) == ([(Mismatch.UNBOOKED, 600, None)], [(3000, 2400)])
    await _fail_payout(stage, second.reference)
    report = await stage.reconcile()
    assert report.equal, report


async def test_some_per_day_and_all_on_demand(stage: Stage):
    for vendor in ("acme", "bolt", "cedar"):
        await stage.account(vendor)
    few = Rules(grace_seconds=0, accounts_max=2)
    assert (await stage.reconcile(rules=few, slot="daily:2026-11-20")).vendors_checked == 2
    assert (await stage.reconcile(rules=few)).vendors_checked == 3
    assert AT_ONCE.accounts_max >= 3


async def _write_reversal(stage: Stage, transfer: str, amount: int, reference: str) -> None:
    from hub.payments.tables import payments

    async with stage.database.tx() as tx:
        row = await tx.row(transfers.select().where(transfers.c.reference == transfer))
        assert row is not None
        await tx.execute(
            insert(payments).values(id="pay_1", order_id="ord_1", state="captured", gateway="stripe", method="pm", amount=1, currency="EUR")
        )
        whose = {"order_id": "ord_1", "vendor": "acme", "currency": "EUR"}
        await tx.execute(insert(refunds).values(id="ref_1", payment_id="pay_1", sub_order_id="sub_1", state="succeeded", amount=0, **whose))
        await tx.execute(
            insert(reversals).values(
                id="rev_1", refund_id="ref_1", transfer_id=row.id, state="reversed", amount=amount, reference=reference, **whose
            )
        )


async def _fail_payout(stage: Stage, reference: str) -> None:
    from hub.payouts.tables import payouts

    async with stage.database.tx() as tx:
        await tx.execute(update(payouts).where(payouts.c.reference == reference).values(state="failed"))
