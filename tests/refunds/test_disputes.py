"""The buyer's bank takes money back: before and after the transfer, won and lost, with refunds in between."""

import msgspec
import pytest
from sqlalchemy import TextClause, text

from hub.kernel.errors import Conflict
from hub.orders.states import SubOrderState
from hub.payments.facts import DisputePhase
from hub.refunds import ask, dispute, send
from hub.refunds.model import Asked
from hub.refunds.states import RefundState
from tests.shop import Shop


async def test_while_it_is_open_nothing_is_released_and_won_it_goes_on(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 2), ("bolt", "nut", 700, 1))
    reference = await shop.dispute(order.id)
    order = await shop.deliver(order.id)
    assert {sub.state for sub in order.sub_orders} == {SubOrderState.DELIVERED}
    with pytest.raises(Conflict, match="dispute decides"):
        await shop.act(lambda tx: ask.ask_refund(tx, order.id, order.sub_orders[0].id, None, "late"))
    await shop.close_dispute(reference, "won")
    assert {sub.state for sub in (await shop.order(order.id)).sub_orders} == {SubOrderState.SETTLED}
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_lost_before_the_transfer_the_holds_bear_it(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 2), ("bolt", "nut", 700, 1))
    losses = await shop.balance("losses")
    reference = await shop.dispute(order.id)
    await shop.close_dispute(reference, "lost")
    order = await shop.deliver(order.id)
    assert {sub.state for sub in order.sub_orders} == {SubOrderState.SETTLED}
    bearing = await shop.refunds(order.id)
    assert [(each.kind, each.state) for each in bearing] == [("dispute", RefundState.DISPUTED)] * 2
    assert sum(each.amount for each in bearing) == order.total
    assert sum(each.from_held for each in bearing) == order.total - 270
    assert await shop.balance("losses") == losses
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_lost_after_the_transfer_it_is_reversed(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 2))).id)
    reference = await shop.dispute(order.id)
    await shop.close_dispute(reference, "lost")
    (bearing,) = await shop.refunds(order.id)
    assert (bearing.state, bearing.from_reversal, bearing.commission) == (RefundState.DISPUTED, 2290, 200)
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_of_a_partly_refunded_order_the_rest_is_borne(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 2))).id)
    sub = order.sub_orders[0]
    await shop.act(lambda tx: ask.ask_refund(tx, order.id, sub.id, [Asked(line_id=sub.lines[0].id, amount=777)], "scratch"))
    await shop.run()
    reference = await shop.dispute(order.id, amount=order.total - 777)
    await shop.close_dispute(reference, "lost")
    amounts = [(each.kind, each.amount) for each in await shop.refunds(order.id)]
    assert amounts == [("refund", 777), ("dispute", order.total - 777)]
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_a_vendor_who_bears_no_disputes_costs_us(shop: Shop) -> None:
    await shop.act(lambda tx: tx.execute(_bears("bolt", bears=False)))
    order = await shop.deliver((await shop.paid(("bolt", "nut", 1000, 1))).id)
    losses = await shop.balance("losses")
    reference = await shop.dispute(order.id)
    await shop.close_dispute(reference, "lost")
    assert await shop.refunds(order.id) == []
    assert await shop.balance("losses") == losses - order.total
    await shop.act(lambda tx: tx.execute(_bears("bolt", bears=True)))
    assert await shop.breaches(settled=True) == []


async def test_it_may_be_told_in_any_order_and_any_number_of_times(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1))).id)
    reference = await shop.dispute(order.id)
    stripe = shop.gateways["stripe"]
    early = await stripe.look_dispute(reference)
    await shop.close_dispute(reference, "won")
    late = await stripe.look_dispute(reference)
    assert (early.phase, late.phase) == (DisputePhase.OPEN, DisputePhase.WON)
    for facts in (early, late, early, late, late, early):
        assert await shop.act(lambda tx, facts=facts: dispute.take_notice(tx, "stripe", facts))
    await shop.run()
    assert await shop.scalar("SELECT state FROM disputes WHERE reference = :r", r=reference) == "won"
    assert not await shop.scalar("SELECT disputed FROM payments WHERE order_id = :o", o=order.id)
    assert await shop.breaches(settled=True) == []


async def test_a_charge_that_is_not_ours_waits(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1))).id)
    facts = await shop.gateways["stripe"].look_dispute(await shop.dispute(order.id))
    foreign = msgspec.structs.replace(facts, charge="ch_foreign")
    assert not await shop.act(lambda tx: dispute.take_notice(tx, "stripe", foreign))


async def test_a_question_takes_no_money(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_createDisputeInquiry")).id)
    await shop.hear()
    assert await shop.scalar("SELECT state FROM disputes WHERE order_id = :o", o=order.id) == "inquiry"
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_a_failed_refund_covers_no_more_than_the_bank_took(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 3))
    sub = order.sub_orders[0]
    reference = await shop.dispute(order.id, amount=1000)
    await shop.act(lambda tx: tx.execute(text("UPDATE payments SET disputed = false WHERE order_id = :o").bindparams(o=order.id)))
    await shop.act(lambda tx: ask.ask_refund(tx, order.id, sub.id, None, "late"))  # asked before we had heard of the dispute
    await shop.run()
    await shop.close_dispute(reference, "lost")
    first, rest = await shop.refunds(order.id)
    assert (first.amount, rest.amount, rest.state) == (1000, order.total - 1000, RefundState.FAILED)
    assert first.share + rest.share == order.total - 300
    assert await shop.balance(f"refund:{rest.id}") == rest.amount
    assert await shop.breaches() == []
    await shop.act(lambda tx: send.settle_by_hand(tx, rest.id, "cash"))
    assert await shop.breaches() == []


def _bears(vendor: str, *, bears: bool) -> TextClause:
    return text("UPDATE vendors SET bears_disputes = :bears WHERE code = :code").bindparams(bears=bears, code=vendor)


async def test_a_question_is_answered_with_a_refund(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_createDisputeInquiry")
    await shop.hear()
    assert await shop.scalar("SELECT disputed FROM payments WHERE order_id = :o", o=order.id)
    await shop.act(lambda tx: ask.ask_refund(tx, order.id, order.sub_orders[0].id, None, "as you wish"))
    await shop.run()
    (refund,) = await shop.refunds(order.id)
    assert refund.state is RefundState.SUCCEEDED
    assert await shop.balance("clearing:stripe") == -shop.at_provider()
