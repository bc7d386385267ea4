"""An operator explains what stands in suspense: once, to an account that can bear it, and who said so is kept."""

import pytest

from hub.kernel.errors import Conflict, Invalid, NotFound, Refusal
from hub.ledger import recipes
from hub.ledger.recipes import Posting, clearing
from hub.reconcile.explain import Explained, Explanation, explain_booking, explain_movement
from hub.runtime import story
from hub.runtime.database import Actor
from tests.reconcile.conftest import Stage, only

OLGA = Actor("operator", "olga")


async def explain(stage: Stage, what: str, account: str, *, booking: bool = False) -> Explained:
    said = Explanation(account=account, reason="seen in the dashboard")
    async with stage.database.tx(OLGA) as tx:
        return await (explain_booking(tx, what, said) if booking else explain_movement(tx, what, said))


async def refusal(stage: Stage, what: str, account: str, *, booking: bool = False) -> tuple[type[Refusal], str]:
    with pytest.raises(Refusal) as refused:
        await explain(stage, what, account, booking=booking)
    return type(refused.value), refused.value.slug


async def test_a_refund_of_the_dashboard_was_our_loss(stage: Stage):
    _, captured = await stage.sell()
    refund = await stage.gateway.refund("dashboard", charge=captured.charge, amount=1000, currency="EUR", order_id="ord_x")
    await stage.reconcile()
    ((movement), *_) = await stage.kept(refund.reference)
    assert await refusal(stage, movement.id, "vendor:nobody") == (Invalid, "unknown_account")
    assert await refusal(stage, movement.id, "clearing:stripe") == (Invalid, "unknown_account")
    assert await refusal(stage, movement.id, "held:acme:nothing") == (Invalid, "unknown_account")
    assert await refusal(stage, movement.id, "suspense") == (Invalid, "unknown_account")
    done = await explain(stage, movement.id, "losses")
    assert (done.account, done.moved) == ("losses", [("EUR", -1000)])
    assert (await stage.balance("losses"), await stage.balance("suspense")) == (-1000, 0)
    assert await refusal(stage, movement.id, "losses") == (Conflict, "not_in_suspense")
    report = await stage.reconcile()
    assert report.equal, report
    assert (only(report).difference, only(report).closing) == (0, only(report).ours)
    assert await stage.mirrors()
    async with stage.database.reading() as tx:
        (moment,) = await story.of_saga(tx, movement.id)
    assert (moment.actor, moment.event, moment.to_state, moment.reason) == (
        "operator:olga",
        "explain",
        "explained",
        "seen in the dashboard",
    )
    # A posting that comes after all is a difference of its own: nothing is counted twice.
    await stage.book("refund", refund.reference, [Posting(recipes.COMMISSION, clearing("stripe"), 1000, "EUR")])
    late = await stage.reconcile()
    assert [each.ours for each in late.differences] == [-1000]
    assert only(late).unexplained == 0
    assert await stage.mirrors()


async def test_a_posting_that_never_moved(stage: Stage):
    await stage.account()
    await stage.sell()
    invented = await stage.book("refund", "re_invented", [Posting(recipes.vendor_account("acme"), clearing("stripe"), 700, "EUR")])
    assert await refusal(stage, invented, "vendor:acme", booking=True) == (NotFound, "unknown_booking")
    await stage.reconcile()
    await explain(stage, invented, "vendor:acme", booking=True)
    assert (await stage.balance("vendor:acme"), await stage.balance("suspense")) == (0, 0)
    assert await refusal(stage, invented, "vendor:acme", booking=True) == (Conflict, "not_in_suspense")
    for _ in range(2):
        report = await stage.reconcile()
        assert report.equal, report
        assert await stage.mirrors()


async def test_an_account_that_cannot_owe(stage: Stage):
    order, captured = await stage.sell()
    refund = await stage.gateway.refund("dashboard", charge=captured.charge, amount=9500, currency="EUR", order_id="ord_x")
    await stage.reconcile()
    (movement,) = await stage.kept(refund.reference)
    assert await refusal(stage, movement.id, recipes.held_account("acme", order)) == (Conflict, "account_too_low")
    assert await refusal(stage, "txn_unknown", "losses") == (NotFound, "unknown_movement")


async def test_a_fee_that_was_right_after_all(stage: Stage):
    order, captured = await stage.charge()
    await stage.book("capture", captured.charge, recipes.capture("stripe", order, 10_000, captured.fee - 5, "EUR"), order_id=order)
    await stage.reconcile()
    (movement,) = await stage.kept(captured.charge)
    await explain(stage, movement.id, "processing_fees")
    assert await stage.balance("processing_fees") == -captured.fee
    report = await stage.reconcile()
    assert report.equal, report
    assert await stage.mirrors()
