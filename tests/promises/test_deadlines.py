"""What a vendor has promised decides how long it is waited for, what is done on the way, and what at the end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from hub.orders.model import Order, SubOrder
from hub.orders.states import SubOrderState
from hub.promises.change_promises import change_promises
from hub.promises.model import PromisesChange
from hub.worker.chase import chase_all
from hub.worker.deadlines import sweep
from tests.conftest import MakeDatabase
from tests.promises.clock import passes
from tests.shop import Shop, now, open_shop

S = SubOrderState
MUG = ("acme", "mug", 2000, 1)
FINES = """
[[rules]]
name = "silent"
on = "no_answer"
kind = "fine"
fixed = { EUR = 150 }
[[rules]]
name = "late"
on = "shipped_late"
kind = "fine"
fixed = { EUR = 200 }
grace_seconds = 60
[[rules]]
name = "late there"
on = "delivered_late"
kind = "fine"
fixed = { EUR = 250 }
[[rules]]
name = "not sent"
on = "canceled_by_vendor"
kind = "fine"
fixed = { EUR = 300 }
"""


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Shop]:
    (tmp_path / "fines.toml").write_text(FINES)
    made = await open_shop(
        await fresh_database(), "acme", "bolt", settings={"WHEELWRIGHT__MONEY__ADJUSTMENTS_FILE": str(tmp_path / "fines.toml")}
    )
    yield made
    await made.close()


async def promise(shop: Shop, **said: Any) -> None:
    change = msgspec.convert({"reason": "agreed", **said}, PromisesChange)
    await shop.act(lambda tx: change_promises(tx, shop.wiring.timing.promises, "acme", change, None))


async def routed(shop: Shop, **more: Any) -> Order:
    order_id = await shop.place(MUG, **more)
    await shop.run()
    return await shop.order(order_id)


async def chased(shop: Shop) -> None:
    await chase_all(shop.wiring)


async def told(shop: Shop, sub: SubOrder) -> list[str]:
    rows = await shop.rows("SELECT event FROM timeline WHERE subject_id = :id AND life = 'promise' ORDER BY seq", id=sub.id)
    return [row.event for row in rows]


async def letters(shop: Shop) -> list[str]:
    return [row.reason for row in await shop.rows("SELECT reason FROM dead_letters WHERE source = 'promise' ORDER BY id")]


async def fined(shop: Shop) -> list[str]:
    return [row.rule for row in await shop.rows("SELECT rule FROM adjustments ORDER BY id")]


async def lapse(shop: Shop, sub: SubOrder) -> str | None:
    return await shop.scalar("SELECT lapse FROM sub_orders WHERE id = :id", id=sub.id)


class TestAcceptance:
    async def test_a_vendor_is_reminded_then_an_operator_is_told_then_it_has_declined_and_is_fined(self, shop: Shop):
        await promise(shop, acceptance={"seconds": 3600, "reminders": [0.5], "escalation": 0.9})
        [sub] = (await routed(shop)).sub_orders
        assert sub.accept_by is not None
        assert abs(sub.accept_by - now() - timedelta(hours=1)) < timedelta(minutes=1)
        await chased(shop)
        assert await told(shop, sub) == []
        await passes(shop, minutes=31)
        await chased(shop)
        await chased(shop)
        assert (await told(shop, sub), await letters(shop)) == (["remind"], [])
        await passes(shop, minutes=25)
        await chased(shop)
        await chased(shop)
        assert (await told(shop, sub), await letters(shop)) == (["remind", "escalate"], ["acceptance_overdue"])
        await passes(shop, minutes=10)
        await sweep(shop.wiring)
        await chased(shop)
        part = (await shop.order(sub.order_id)).part(sub.id)
        assert (part.state, part.reason) == (S.DECLINED, "no_answer")
        assert (await lapse(shop, sub), await fined(shop)) == ("no_answer", ["silent"])
        await shop.run()
        assert await shop.breaches(settled=True) == []

    async def test_silence_leads_to_another_vendor_as_a_decline_does(self, shop: Shop):
        await promise(shop, acceptance={"seconds": 600})
        [sub] = (await routed(shop, on_shortage="reroute")).sub_orders
        await shop.also("bolt", MUG[:3], 1900)
        await passes(shop, minutes=11)
        await sweep(shop.wiring)
        order = await shop.order(sub.order_id)
        assert [(part.vendor, part.replaces) for part in order.sub_orders] == [("acme", None), ("bolt", sub.id)]
        await shop.run()
        other = (await shop.order(order.id)).sub_orders[1]
        assert other.state is S.ROUTED
        assert other.accept_by is not None
        assert other.accept_by > now() + timedelta(hours=23), "it has what it has promised, not what the other had left"

    async def test_an_answer_in_time_costs_nothing_more(self, shop: Shop):
        await promise(shop, acceptance={"seconds": 600, "reminders": [0.1]})
        [sub] = (await routed(shop)).sub_orders
        await shop.vendor_says("acme", sub.id, "accept")
        await passes(shop, hours=1)
        await chased(shop)
        assert (await told(shop, sub), await letters(shop), await fined(shop), await lapse(shop, sub)) == ([], [], [], None)

    async def test_what_the_vendor_itself_declines_is_no_silence_whatever_it_calls_it(self, shop: Shop):
        [sub] = (await routed(shop)).sub_orders
        await shop.vendor_says("acme", sub.id, "decline")
        assert (await lapse(shop, sub), await fined(shop)) == ("declined", [])

    async def test_the_buyers_money_is_held_only_so_long(self, shop: Shop):
        await promise(shop, acceptance={"seconds": 29 * 86_400})
        order_id = await shop.place(MUG)
        await shop.run()
        [sub] = (await shop.order(order_id)).sub_orders
        before = await shop.scalar("SELECT capture_before FROM payments WHERE order_id = :id", id=order_id)
        assert sub.accept_by is not None
        assert sub.accept_by <= before - timedelta(seconds=shop.wiring.timing.capture_margin)

    async def test_a_changed_promise_holds_for_what_is_asked_from_then_on(self, shop: Shop):
        [first] = (await routed(shop)).sub_orders
        await promise(shop, acceptance={"seconds": 600})
        [second] = (await routed(shop)).sub_orders
        again = (await shop.order(first.order_id)).part(first.id)
        assert (again.accept_by, second.accept_by) == (first.accept_by, second.accept_by)
        assert first.accept_by is not None
        assert second.accept_by is not None
        assert first.accept_by - second.accept_by > timedelta(hours=23)


class TestShipping:
    async def test_late_goods_are_an_operators_once_and_fined_once_when_they_leave(self, shop: Shop):
        await promise(shop, shipping={"seconds": 3600, "reminders": [0.5]}, delivery={"seconds": 7200})
        order = await shop.paid(MUG)
        [sub] = order.sub_orders
        assert sub.ship_by is not None
        await passes(shop, minutes=40)
        await chased(shop)
        await passes(shop, minutes=40)
        await chased(shop)
        await chased(shop)
        assert (await told(shop, sub), await letters(shop)) == (["remind", "break", "escalate"], ["shipping_overdue"])
        await shop.vendor_says("acme", sub.id, "ship")
        await passes(shop, hours=3)
        await chased(shop)
        assert await letters(shop) == ["shipping_overdue", "delivery_overdue"]
        await shop.vendor_says("acme", sub.id, "deliver")
        assert await fined(shop) == ["late", "late there"]
        await shop.run()
        await shop.hear()
        assert (await shop.order(order.id)).state == "completed"
        assert await shop.breaches(settled=True) == []

    async def test_what_is_a_little_late_is_forgiven_by_the_rule(self, shop: Shop):
        await promise(shop, shipping={"seconds": 3600})
        [sub] = (await shop.paid(MUG)).sub_orders
        await passes(shop, seconds=3630)
        await shop.vendor_says("acme", sub.id, "ship")
        assert await fined(shop) == []

    async def test_what_is_not_sent_in_time_is_canceled_where_that_was_agreed_and_the_buyer_has_its_money_back(self, shop: Shop):
        await promise(shop, shipping={"seconds": 3600, "at_end": "cancel"})
        [sub] = (await shop.paid(MUG)).sub_orders
        await passes(shop, hours=2)
        await chased(shop)
        await shop.run()
        await shop.hear()
        part = (await shop.order(sub.order_id)).part(sub.id)
        assert (part.state, part.reason) == (S.CANCELED, "not_shipped_in_time")
        assert (await lapse(shop, sub), await fined(shop), await letters(shop)) == ("canceled_by_vendor", ["not sent"], [])
        assert [refund.state for refund in await shop.refunds(sub.order_id)] == ["succeeded"]
        assert await shop.breaches(settled=True) == []

    @pytest.mark.parametrize("seed", range(4))
    async def test_sent_and_given_up_on_at_once_it_is_one_or_the_other(self, shop: Shop, seed: int):
        await promise(shop, shipping={"seconds": 3600, "at_end": "cancel"})
        [sub] = (await shop.paid(MUG)).sub_orders
        await passes(shop, hours=2)
        acts = [shop.vendor_says("acme", sub.id, "ship"), chased(shop), chased(shop)]
        await asyncio.gather(*(acts[seed % 2 :] + acts[: seed % 2]), return_exceptions=True)
        part = (await shop.order(sub.order_id)).part(sub.id)
        assert part.state in {S.SHIPPED, S.CANCELED}
        assert await fined(shop) == (["late"] if part.state is S.SHIPPED else ["not sent"])
        await shop.run()
        assert await shop.breaches() == []
