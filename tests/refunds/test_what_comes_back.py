"""Refunds that are not done when they are sent (pending, failing weeks later, sent again, settled by hand); credits and reserves."""

import pytest

from hub.kernel.errors import Conflict
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Adjustment
from hub.orders.model import SubOrder
from hub.orders.states import SubOrderState
from hub.refunds import ask, send
from hub.refunds.states import RefundState
from hub.refunds.store import Refund
from hub.transfers.credit import pay_credits
from hub.transfers.release import RELEASE
from hub.transfers.transfer import TRANSFER_STEP
from tests.sandbox.controls import turn
from tests.shop import Shop


async def ask_whole(shop: Shop, sub: SubOrder) -> str:
    begun: Refund = await shop.act(lambda tx: ask.ask_refund(tx, sub.order_id, sub.id, None, "damaged"))
    return begun.id


async def state_of(shop: Shop, order_id: str) -> RefundState:
    (refund,) = await shop.refunds(order_id)
    return refund.state


async def test_a_pending_refund_is_booked_when_it_is_done(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_pendingRefund")
    await ask_whole(shop, order.sub_orders[0])
    await shop.run()
    (refund,) = await shop.refunds(order.id)
    assert refund.state is RefundState.SENDING
    assert await shop.balance(f"refund:{refund.id}") == refund.amount
    await turn(shop.app, "advance", {"seconds": 7200})
    await shop.hear()
    assert await state_of(shop, order.id) is RefundState.SUCCEEDED
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_one_that_fails_later_is_still_the_buyers_money(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_refundFail")).id)
    refund_id = await ask_whole(shop, order.sub_orders[0])
    await shop.run()
    assert await state_of(shop, order.id) is RefundState.SUCCEEDED
    await turn(shop.app, "advance", {"seconds": 7200})
    await shop.hear()
    assert await state_of(shop, order.id) is RefundState.FAILED
    assert await shop.balance(f"refund:{refund_id}") == order.total
    assert await shop.balance("clearing:stripe") == -shop.at_provider()
    assert await shop.scalar("SELECT count(*) FROM dead_letters WHERE kind = 'payment.refund' AND saga_id = :o", o=order.id) == 1
    await shop.hear()
    settled: Refund = await shop.act(lambda tx: send.settle_by_hand(tx, refund_id, "paid by bank transfer 4711"))
    assert settled.state is RefundState.SUCCEEDED
    assert await shop.balance(f"refund:{refund_id}") == 0
    with pytest.raises(Conflict, match="succeeded"):
        await shop.act(lambda tx: send.settle_by_hand(tx, refund_id, "twice"))
    assert await shop.breaches() == []


async def test_one_that_failed_may_be_sent_again(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_refundFail")
    refund_id = await ask_whole(shop, order.sub_orders[0])
    await shop.run()
    await turn(shop.app, "advance", {"seconds": 7200})
    await shop.hear()
    assert await state_of(shop, order.id) is RefundState.FAILED
    await shop.act(lambda tx: send.retry(tx, refund_id))
    await shop.run()
    assert await state_of(shop, order.id) is RefundState.SUCCEEDED
    await turn(shop.app, "advance", {"seconds": 7200})
    await shop.hear()
    assert await state_of(shop, order.id) is RefundState.FAILED
    assert await shop.balance("clearing:stripe") == -shop.at_provider()
    assert await shop.breaches() == []


async def test_while_a_transfer_is_being_sent_a_refund_waits_for_it(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1))
    await shop.vendor_says("acme", order.sub_orders[0].id, "ship")
    await shop.vendor_says("acme", order.sub_orders[0].id, "deliver")
    await shop.one_step(RELEASE)
    assert await shop.scalar("SELECT state FROM transfers WHERE order_id = :o", o=order.id) == "sending"
    await ask_whole(shop, order.sub_orders[0])
    assert await state_of(shop, order.id) is RefundState.REQUESTED
    await shop.one_step(TRANSFER_STEP)
    assert await state_of(shop, order.id) is RefundState.GATHERING
    await shop.run()
    (refund,) = await shop.refunds(order.id)
    assert (refund.state, refund.from_reversal) == (RefundState.SUCCEEDED, 1390)
    assert await shop.breaches() == []


async def test_a_reserve_is_kept_and_pays_first(shop: Shop) -> None:
    await shop.vendor("cask", reserve_bps=2000, reserve_seconds=0)
    await shop.accounts()
    order = await shop.paid(("cask", "keg", 1000, 1))
    await shop.vendor_says("cask", order.sub_orders[0].id, "ship")
    await shop.vendor_says("cask", order.sub_orders[0].id, "deliver")
    await shop.one_step(RELEASE)
    await shop.one_step(TRANSFER_STEP)
    assert await shop.balance(f"reserve:cask:{order.sub_orders[0].id}") == 278
    assert (await shop.order(order.id)).sub_orders[0].state is SubOrderState.SETTLED
    await ask_whole(shop, order.sub_orders[0])
    await shop.run()
    (refund,) = await shop.refunds(order.id)
    assert (refund.state, refund.from_reserve, refund.from_reversal) == (RefundState.SUCCEEDED, 278, 1112)
    assert await shop.breaches() == []


async def test_a_reserve_that_nobody_needed_is_transferred(shop: Shop) -> None:
    await shop.vendor("dome", reserve_bps=2000, reserve_seconds=0)
    await shop.accounts()
    order = await shop.deliver((await shop.paid(("dome", "keg", 1000, 1))).id)
    amounts = await shop.scalar("SELECT array_agg(amount ORDER BY amount) FROM transfers WHERE order_id = :o", o=order.id)
    assert amounts == [278, 1112]
    assert await shop.breaches() == []


async def test_what_a_vendor_has_with_us_is_paid_out(shop: Shop) -> None:
    moves = recipes.adjust(Adjustment.BONUS, "acme", 500, "EUR")
    await shop.act(lambda tx: ledger.post(tx, "bonus", vendor="acme", cause="adj_test", moves=moves))
    await shop.deliver((await shop.paid(("acme", "mug", 9000, 1))).id)
    await turn(shop.app, "advance", {"seconds": 5 * 86400})
    await pay_credits(shop.wiring.database)
    await pay_credits(shop.wiring.database)
    await shop.run()
    assert await shop.balance("vendor:acme") == 0
    assert await shop.scalar("SELECT array_agg(amount) FROM transfers WHERE kind = 'credit' AND state = 'transferred'") == [500]
    assert await shop.breaches() == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()
