"""Returns by hand, from the wish to the money and the shelf."""

from hub.refunds.states import RefundState
from hub.returns.states import ReturnState
from tests.returns.desk import Desk

R = ReturnState


async def test_of_three_two_come_back_one_of_them_damaged(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 3))
    it = await desk.ask(order, "mug", 2, "damaged")
    before = await desk.stock(it)
    assert (it.state, it.pays_shipping, it.reference) == (R.REQUESTED, "vendor", "")
    it = await desk.send(await desk.authorize(it))
    assert (it.state, it.reference, it.parcel is not None) == (R.IN_TRANSIT, "RMA 7", True)
    it = await desk.receive(it, good=1, damaged=1)
    assert (it.state, it.reason) == (R.REFUNDED, None)
    [refund] = await desk.shop.refunds(order.id)
    assert (refund.id, refund.state, refund.amount, refund.commission) == (it.refund_id, RefundState.SUCCEEDED, 2000, 200)
    assert (refund.from_reversal, refund.reason) == (1800, f"returned {it.id}")
    after = await desk.stock(it)
    assert after == before | {"on_hand": before["on_hand"] + 1, "received": before["received"] + 1}
    assert await desk.steps(it) == {"returns.authorize": "canceled", "returns.inspect": "canceled"}
    assert await desk.shop.breaches(settled=True) == []


async def test_when_all_of_a_part_is_back_its_shipping_is_given_back_too(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    await desk.receive(await desk.authorized(order, "mug", 1), good=1)
    last = await desk.receive(await desk.authorized(await desk.shop.order(order.id), "mug", 1), good=1)
    assert last.pays_shipping == "buyer"
    assert [refund.amount for refund in await desk.shop.refunds(order.id)] == [1000, 1490]
    assert await desk.shop.breaches(settled=True) == []
