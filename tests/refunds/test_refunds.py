"""Refunds, whole and in parts, before and after the vendor has its money."""

import pytest

from hub.kernel.errors import Conflict, Invalid
from hub.orders.model import SubOrder
from hub.orders.states import SubOrderState
from hub.payments.states import PaymentState
from hub.refunds import ask
from hub.refunds.model import Asked
from hub.refunds.states import RefundState
from hub.refunds.store import Refund
from tests.shop import Shop

S = SubOrderState


async def refund(shop: Shop, sub: SubOrder, *asked: Asked) -> Refund:
    """Ask, and let follow what follows; the refund as it stands then."""
    begun: Refund = await shop.act(lambda tx: ask.ask_refund(tx, sub.order_id, sub.id, list(asked) or None, "damaged"))
    await shop.run()
    return next(found for found in await shop.refunds(sub.order_id) if found.id == begun.id)


async def test_a_paid_order_is_shared_out_and_settles(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 2), ("bolt", "nut", 333, 3))
    order = await shop.deliver(order.id)
    assert [sub.state for sub in order.sub_orders] == [S.SETTLED, S.SETTLED]
    assert await shop.breaches(settled=True) == []


async def test_before_the_transfer_the_hold_pays(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 3))
    sub = order.sub_orders[0]
    done = await refund(shop, sub, Asked(line_id=sub.lines[0].id, quantity=1))
    assert (done.state, done.amount, done.from_held, done.from_reversal) == (RefundState.SUCCEEDED, 1000, 900, 0)
    assert done.commission == 100
    order = await shop.deliver(order.id)
    assert order.sub_orders[0].state is S.SETTLED
    assert await shop.breaches(settled=True) == []


async def test_after_the_transfer_it_is_reversed_first(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 3))).id)
    sub = order.sub_orders[0]
    done = await refund(shop, sub, Asked(line_id=sub.lines[0].id, quantity=2), Asked(line_id="shipping"))
    assert (done.state, done.amount, done.from_held, done.from_reversal) == (RefundState.SUCCEEDED, 2490, 0, 1800 + 490)
    assert await shop.breaches(settled=True) == []
    rest = await refund(shop, (await shop.order(order.id)).sub_orders[0])
    assert (rest.state, rest.amount) == (RefundState.SUCCEEDED, 1000)
    assert await shop.breaches(settled=True) == []
    with pytest.raises(Conflict, match="given back"):
        await refund(shop, (await shop.order(order.id)).sub_orders[0])


async def test_odd_cents_come_back_whole_however_they_are_cut(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("bolt", "nut", 333, 7))).id)
    sub = order.sub_orders[0]
    for amount in (1, 303, 303, 303, 303, 17):
        done = await refund(shop, sub, Asked(line_id=sub.lines[0].id, amount=amount))
        assert done.amount == amount
    done = await refund(shop, sub)
    assert sum(each.amount for each in await shop.refunds(order.id)) == sub.total
    assert await shop.breaches(settled=True) == []


async def test_a_canceled_part_is_refunded(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1), ("bolt", "nut", 500, 1))
    await shop.cancel(order.id)
    await shop.run()
    order = await shop.order(order.id)
    assert [sub.state for sub in order.sub_orders] == [S.CANCELED, S.CANCELED]
    assert [done.state for done in await shop.refunds(order.id)] == [RefundState.SUCCEEDED] * 2
    assert await shop.breaches(settled=True) == []


@pytest.mark.parametrize(
    ("asked", "slug", "field"),
    [
        (Asked(line_id="line_none", quantity=1), "unknown_line", "/items/0/line_id"),
        (Asked(line_id="LINE", quantity=4), "too_much", "/items/0/quantity"),
        (Asked(line_id="LINE", amount=3001), "too_much", "/items/0/amount"),
        (Asked(line_id="LINE", amount=1, quantity=1), "ambiguous", "/items/0"),
        (Asked(line_id="LINE"), "ambiguous", "/items/0"),
        (Asked(line_id="shipping", amount=491), "too_much", "/items/0/amount"),
    ],
)
async def test_more_than_there_is_is_refused(shop: Shop, asked: Asked, slug: str, field: str) -> None:
    order = await shop.paid(("acme", "mug", 1000, 3))
    sub = order.sub_orders[0]
    line = sub.lines[0].id if asked.line_id == "LINE" else asked.line_id
    with pytest.raises(Invalid) as refused:
        await refund(shop, sub, Asked(line_id=line, quantity=asked.quantity, amount=asked.amount))
    assert (refused.value.slug, refused.value.field) == (slug, field)
    assert await shop.refunds(order.id) == []


async def test_what_is_not_paid_is_not_refunded(shop: Shop) -> None:
    order = await shop.order(await shop.place(("acme", "mug", 1000, 1)))
    with pytest.raises(Conflict, match=PaymentState.PENDING):
        await refund(shop, order.sub_orders[0])
    await shop.run()


async def test_a_refused_reversal_becomes_debt_that_the_next_transfer_is_netted_with(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("bolt", "nut", 1000, 1))).id)
    reference = await shop.scalar("SELECT reference FROM transfers WHERE order_id = :id", id=order.id)
    await shop.gateways["stripe"].reverse("by_hand", transfer=reference, amount=1390, order_id=order.id)
    done = await refund(shop, order.sub_orders[0])
    assert (done.state, done.from_debt, done.from_reversal) == (RefundState.SUCCEEDED, 1390, 0)
    assert await shop.balance("vendor:bolt") == -1390
    second = await shop.deliver((await shop.paid(("bolt", "nut", 1000, 1))).id)
    assert await shop.balance("vendor:bolt") == 0
    assert second.sub_orders[0].state is S.SETTLED
    assert await shop.scalar("SELECT netted FROM transfers WHERE order_id = :id", id=second.id) == 1390
