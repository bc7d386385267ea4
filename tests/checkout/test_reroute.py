"""What one vendor does not deliver another does: within the buyer's consent, to the cent, and nothing half done."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from hub.checkout.conclude import conclude
from hub.kernel.errors import Conflict, Invalid
from hub.orders.model import Order, SubOrder
from hub.orders.states import SubOrderState
from hub.refunds import ask
from hub.runtime import steps
from hub.runtime.nkeys import new_seed, public_of
from hub.runtime.steps import Outcome, Verdict
from hub.worker.deadlines import sweep
from tests.conftest import MakeDatabase
from tests.shop import Shop, open_shop
from vendor_sdk.messages import Shortfall

S = SubOrderState
MUG = ("acme", "mug", 2000)
VENDORS = ("acme", "bolt", "cedar")


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncIterator[Shop]:
    made = await open_shop(await fresh_database(), *VENDORS)
    yield made
    await made.close()


async def routed(shop: Shop, *lines: tuple[str, str, int, int], **more: Any) -> Order:
    """Placed, paid for, and before its vendors."""
    order_id = await shop.place(*lines, **{"on_shortage": "reroute", **more})
    await shop.run()
    order = await shop.order(order_id)
    assert {sub.state for sub in order.sub_orders} == {S.ROUTED}
    return order


def part_of(order: Order, vendor: str, **has: Any) -> SubOrder:
    found = [sub for sub in order.sub_orders if sub.vendor == vendor and all(getattr(sub, name) == value for name, value in has.items())]
    assert len(found) == 1, [(sub.vendor, sub.state) for sub in order.sub_orders]
    return found[0]


async def ended(shop: Shop, order_id: str) -> Order:
    """Accepted by all that still have to, delivered and paid out; no law is broken and the books are closed."""
    await shop.run()
    for sub in (await shop.order(order_id)).sub_orders:
        if sub.state is S.ROUTED:
            await shop.vendor_says(sub.vendor, sub.id, "accept")
    await shop.run()
    order = await shop.deliver(order_id)
    await shop.hear()
    order = await shop.order(order.id)
    assert await shop.breaches(settled=True) == []
    return order


async def captured(shop: Shop, order_id: str) -> int:
    return int(await shop.scalar("SELECT captured FROM payments WHERE order_id = :id AND NOT replaced", id=order_id))


async def on_hand(shop: Shop, vendor: str) -> list[int]:
    query = "SELECT s.on_hand FROM stock s JOIN offers o ON o.id = s.offer_id WHERE o.vendor = :vendor"
    return [row.on_hand for row in await shop.rows(query, vendor=vendor)]


async def test_a_part_that_is_declined_goes_to_the_cheapest_other_and_the_buyer_pays_what_that_costs(shop: Shop):
    order = await routed(shop, (*MUG, 2))
    await shop.also("bolt", MUG, 1990)
    await shop.also("cedar", MUG, 1900)
    await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
    order = await ended(shop, order.id)
    old, new = part_of(order, "acme"), part_of(order, "cedar")
    assert (old.state, new.state, new.replaces, new.was) == (S.DECLINED, S.SETTLED, old.id, old.total)
    assert await captured(shop, order.id) == 2 * 1900 + 490
    assert new.commission == (2 * 1900 + 490) * 1500 // 10_000 or new.commission > 0
    assert order.state == "completed"
    story = await shop.rows("SELECT event, data FROM timeline WHERE subject_id = :id ORDER BY seq", id=old.id)
    assert (story[-1].event, story[-1].data["rerouted_to"]) == ("decline", [new.id])


async def test_what_another_costs_more_we_bear_and_the_buyer_pays_what_it_agreed_to(shop: Shop):
    order = await routed(shop, (*MUG, 1))
    await shop.also("bolt", MUG, 2200)
    await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
    order = await ended(shop, order.id)
    new = part_of(order, "bolt")
    assert (new.total, new.platform_discount) == (2490, 200)
    assert await captured(shop, order.id) == 2490
    assert await shop.balance("discounts") == -200
    share = await shop.scalar("SELECT amount FROM transfers WHERE sub_order_id = :id AND kind = 'share'", id=new.id)
    assert share == 2690 - new.commission - new.commission_tax, "the vendor has its full price"


async def test_or_the_vendor_that_fell_short_bears_it(fresh_database: MakeDatabase):
    shop = await open_shop(await fresh_database(), *VENDORS, settings={"WHEELWRIGHT__REROUTE__DIFFERENCE": "vendor"})
    try:
        order = await routed(shop, (*MUG, 1))
        await shop.also("bolt", MUG, 2200)
        await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
        await ended(shop, order.id)
        assert await shop.balance("vendor:acme") == -200
        assert (await shop.balance("discounts"), await shop.balance("fines")) == (-200, 200)
    finally:
        await shop.close()


async def test_beyond_what_we_bear_the_part_falls_out(shop: Shop):
    order = await routed(shop, (*MUG, 1), ("cedar", "tray", 1000, 1))
    await shop.also("bolt", MUG, 2250)
    await shop.vendor_says("acme", part_of(order, "acme").id, "decline")
    order = await ended(shop, order.id)
    assert [sub.vendor for sub in order.sub_orders] == ["acme", "cedar"]
    assert await captured(shop, order.id) == 1490


async def test_the_buyer_may_agree_to_pay_more_but_never_beyond_what_is_held(shop: Shop):
    limit = {"price_limit": {"amount": 9000, "currency": "EUR"}}
    order = await routed(shop, (*MUG, 1), reroute=limit)
    await shop.also("bolt", MUG, 2200)
    await shop.also("cedar", MUG, 2300)
    await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
    order = await ended(shop, order.id)
    held = await shop.scalar("SELECT amount FROM payments WHERE order_id = :id", id=order.id)
    assert (part_of(order, "bolt").total, held) == (2490, 2490), "2490 was held when acme declined"


@pytest_asyncio.fixture
async def asked(shop: Shop) -> Shop:
    """With dune, whose spoke is asked to reserve; nobody listens, so the tests answer for it."""
    await shop.vendor("dune", capabilities=["stock"], nkey_public=public_of(new_seed()))
    await shop.accounts()
    return shop


async def reserve_answers(shop: Shop, order_id: str, outcome: Outcome) -> None:
    async with shop.wiring.database.tx() as tx:
        (step,) = [step for step in await steps.of_saga(tx, order_id) if step.kind == "stock.reserve" and step.state == "open"]
        await conclude(tx, shop.wiring.timing, step, outcome)


async def test_before_the_money_is_held_the_buyer_pays_up_to_its_limit(asked: Shop):
    """A part that falls out at the reservation: what replaces it is what will be authorized."""
    rug, limit = ("dune", "rug", 2000), {"price_limit": {"amount": 2700, "currency": "EUR"}}
    order_id = await asked.place((*rug, 1), on_shortage="reroute", reroute=limit)
    await asked.also("bolt", rug, 2300)
    await reserve_answers(asked, order_id, Outcome.refused("out_of_stock"))
    order = await ended(asked, order_id)
    assert (part_of(order, "bolt").total, part_of(order, "bolt").platform_discount) == (2700, 90)
    assert await captured(asked, order_id) == 2700


async def test_who_can_set_two_of_three_aside_is_asked_for_two_and_another_for_the_third(asked: Shop):
    rug = ("dune", "rug", 2000)
    order_id = await asked.place((*rug, 3), on_shortage="reroute")
    await asked.also("bolt", rug, 1500)
    short = {"short": [{"sku": "rug-2000", "quantity": 1}]}
    await reserve_answers(asked, order_id, Outcome(verdict=Verdict.REFUSED, reason="out_of_stock", data=short))
    await reserve_answers(asked, order_id, Outcome.ok())
    order = await ended(asked, order_id)
    assert [line.quantity for line in part_of(order, "dune", state=S.SETTLED).lines] == [2]
    assert part_of(order, "bolt").replaces == part_of(order, "dune", state=S.DECLINED).id
    assert await captured(asked, order_id) == sum(sub.total for sub in order.sub_orders if sub.state is S.SETTLED)


async def test_a_vendor_that_could_set_nothing_aside_has_refused(asked: Shop):
    order_id = await asked.place(("dune", "rug", 2000, 1), on_shortage="reroute")
    short = {"short": [{"sku": "rug-2000", "quantity": 1}]}
    await reserve_answers(asked, order_id, Outcome(verdict=Verdict.REFUSED, reason="out_of_stock", data=short))
    assert (await asked.order(order_id)).state == "declined"


async def test_who_accepts_two_of_three_delivers_two_and_another_the_third(shop: Shop):
    order = await routed(shop, (*MUG, 3))
    await shop.also("bolt", MUG, 1500)
    await shop.vendor_says("acme", order.sub_orders[0].id, "accept", [Shortfall(sku="mug-2000", quantity=1, reason="damaged")])
    await shop.run()
    order = await shop.order(order.id)
    kept, dropped, new = order.sub_orders
    assert [sub.state for sub in (kept, dropped)] == [S.ACCEPTED, S.DECLINED]
    assert (dropped.reason, dropped.split_from, new.replaces) == ("damaged", kept.id, dropped.id)
    assert ([line.quantity for line in kept.lines], kept.total) == ([2], 4490)
    assert (dropped.total, new.total, new.platform_discount) == (2000, 1990 - new.platform_discount, new.platform_discount)
    order = await ended(shop, order.id)
    assert await captured(shop, order.id) == kept.total + new.total
    assert {sub.state for sub in order.sub_orders} == {S.SETTLED, S.DECLINED}
    assert (await on_hand(shop, "acme"), await on_hand(shop, "bolt")) == ([100_000 - 2], [999])


async def test_without_another_the_rest_goes_on_and_the_buyer_pays_the_rest(shop: Shop):
    order = await routed(shop, (*MUG, 3), on_shortage="partial")
    await shop.also("bolt", MUG, 1500)
    await shop.vendor_says("acme", order.sub_orders[0].id, "accept", [Shortfall(sku="mug-2000", quantity=1)])
    order = await ended(shop, order.id)
    assert await captured(shop, order.id) == 2 * 2000 + 490
    assert [sub.vendor for sub in order.sub_orders] == ["acme", "acme"]


async def test_all_or_nothing_means_nothing_when_some_is_missing(shop: Shop):
    order = await routed(shop, (*MUG, 3), ("bolt", "tray", 1000, 1), on_shortage="cancel")
    await shop.vendor_says("acme", part_of(order, "acme").id, "accept", [Shortfall(sku="mug-2000", quantity=1)])
    await shop.run()
    order = await shop.order(order.id)
    assert {sub.state for sub in order.sub_orders} == {S.DECLINED, S.CANCELED}
    assert await shop.breaches(settled=True) == []


async def test_all_units_missing_is_a_decline(shop: Shop):
    order = await routed(shop, (*MUG, 2))
    await shop.vendor_says("acme", order.sub_orders[0].id, "accept", [Shortfall(sku="mug-2000", quantity=2, reason="discontinued")])
    await shop.run()
    (sub,) = (await shop.order(order.id)).sub_orders
    assert (sub.state, sub.reason) == (S.DECLINED, "discontinued")


@pytest.mark.parametrize(("sku", "units", "slug"), [("mug-2000", 4, "more_than_ordered"), ("cup", 1, "unknown_sku")])
async def test_more_than_was_ordered_is_refused_and_nothing_has_happened(shop: Shop, sku: str, units: int, slug: str):
    order = await routed(shop, (*MUG, 3))
    with pytest.raises(Invalid) as refused:
        await shop.vendor_says("acme", order.sub_orders[0].id, "accept", [Shortfall(sku=sku, quantity=units)])
    assert refused.value.slug == slug
    assert await shop.order(order.id) == order


async def test_who_is_silent_past_its_time_is_replaced_and_cannot_accept_any_more(shop: Shop):
    order = await routed(shop, (*MUG, 1))
    await shop.also("bolt", MUG, 1900)
    await shop.sql("UPDATE steps SET deadline = now(), due_at = now() WHERE kind = 'orders.submit' AND state = 'open'")
    await sweep(shop.wiring)
    with pytest.raises(Conflict) as late:
        await shop.vendor_says("acme", order.sub_orders[0].id, "accept")
    assert late.value.slug == "rerouted"
    order = await ended(shop, order.id)
    assert (part_of(order, "acme").state, part_of(order, "bolt").state) == (S.DECLINED, S.SETTLED)


async def test_one_declines_and_the_next_and_the_third_delivers(shop: Shop):
    order = await routed(shop, (*MUG, 1))
    await shop.also("bolt", MUG, 1900)
    await shop.also("cedar", MUG, 2050)
    await shop.vendor_says("acme", part_of(order, "acme").id, "decline")
    await shop.run()
    await shop.vendor_says("bolt", part_of(await shop.order(order.id), "bolt").id, "decline")
    order = await ended(shop, order.id)
    last = part_of(order, "cedar")
    assert (last.was, last.total, last.platform_discount) == (2490, 2490, 50), "the limit is what the buyer was to pay at first"
    assert await captured(shop, order.id) == 2490


async def test_nobody_who_has_declined_is_asked_again(shop: Shop):
    order = await routed(shop, (*MUG, 1))
    await shop.also("bolt", MUG, 1900)
    for vendor in ("acme", "bolt"):
        await shop.vendor_says(vendor, part_of(await shop.order(order.id), vendor).id, "decline")
        await shop.run()
    order = await shop.order(order.id)
    assert (order.state, [sub.vendor for sub in order.sub_orders]) == ("declined", ["acme", "bolt"])
    assert await shop.breaches(settled=True) == []


async def test_what_others_deliver_has_to_arrive_in_time(shop: Shop):
    order = await routed(shop, (*MUG, 1), reroute={"arrive_by": await tomorrow(shop)})
    await shop.also("bolt", MUG, 1000)
    await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
    assert len((await shop.order(order.id)).sub_orders) == 1, "bolt's post takes three days"


async def tomorrow(shop: Shop) -> str:
    return str(await shop.scalar("SELECT ((now() AT TIME ZONE 'UTC')::date + 1)::text"))


@pytest.mark.parametrize(
    ("more", "slug"),
    [
        ({"on_shortage": "partial", "reroute": {}}, "no_reroute"),
        ({"reroute": {"price_limit": {"amount": 2489, "currency": "EUR"}}}, "price_limit_too_low"),
        ({"reroute": {"price_limit": {"amount": 9000, "currency": "USD"}}}, "wrong_currency"),
        ({"reroute": {"arrive_by": "2020-01-01"}}, "arrive_by_past"),
    ],
)
async def test_a_consent_that_makes_no_sense_is_refused(shop: Shop, more: dict[str, Any], slug: str):
    with pytest.raises(Invalid) as refused:
        await shop.place((*MUG, 1), **{"on_shortage": "reroute", **more})
    assert refused.value.slug == slug
    assert await shop.scalar("SELECT count(*) FROM orders") == 0


async def test_the_last_unit_goes_to_one_of_two_orders(shop: Shop):
    first, second = await routed(shop, (*MUG, 1)), await routed(shop, (*MUG, 1))
    await shop.also("bolt", MUG, 1900, stock=1)
    await asyncio.gather(*(shop.vendor_says("acme", order.sub_orders[0].id, "decline") for order in (first, second)))
    await shop.run()
    parts = [[sub.vendor for sub in (await shop.order(order.id)).sub_orders] for order in (first, second)]
    assert sorted(parts) == [["acme"], ["acme", "bolt"]]
    assert await on_hand(shop, "bolt") == [0]
    assert await shop.breaches() == []


async def test_a_part_that_joins_late_holds_the_money_back_until_it_is_accepted(shop: Shop):
    order = await routed(shop, (*MUG, 1), ("cedar", "tray", 1000, 1))
    await shop.also("bolt", MUG, 1900)
    await shop.vendor_says("cedar", part_of(order, "cedar").id, "accept")
    await shop.vendor_says("acme", part_of(order, "acme").id, "decline")
    await shop.run()
    order = await shop.order(order.id)
    assert (order.stage, part_of(order, "bolt").state) == ("route", S.ROUTED)
    assert await captured(shop, order.id) == 0
    order = await ended(shop, order.id)
    assert await captured(shop, order.id) == 1900 + 490 + 1490


async def test_the_buyer_may_still_cancel_all_of_it(shop: Shop):
    order = await routed(shop, (*MUG, 1))
    await shop.also("bolt", MUG, 1900)
    await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
    await shop.cancel(order.id)
    await shop.run()
    order = await shop.order(order.id)
    assert {sub.state for sub in order.sub_orders} == {S.DECLINED, S.CANCELED}
    assert (await on_hand(shop, "acme"), await on_hand(shop, "bolt")) == ([100_000], [1000])
    assert await shop.breaches(settled=True) == []


async def test_refunds_and_reversals_of_what_another_delivered(shop: Shop):
    """The whole money tail works on a part that was taken over, with a difference that we bear."""
    order = await routed(shop, (*MUG, 2))
    await shop.also("bolt", MUG, 2100)
    await shop.vendor_says("acme", order.sub_orders[0].id, "decline")
    order = await ended(shop, order.id)
    new = part_of(order, "bolt")
    await shop.act(lambda tx: ask.ask_refund(tx, order.id, new.id, None, "damaged"))
    await shop.hear()
    assert [refund.amount for refund in await shop.refunds(order.id)] == [4490]
    assert await shop.balance("discounts") == 0
    assert await shop.breaches(settled=True) == []
