"""What crosses a return on its way: refunds, disputes, second thoughts, silence, goods that nobody waits for."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from hub.checkout.hear import Foreign, Heard, hear, hear_in
from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.orders.model import Order
from hub.refunds.ask import ask_refund
from hub.refunds.model import Asked
from hub.returns import answer, ask, store
from hub.returns.authorize import NO_ANSWER
from hub.returns.give_back import GIVE_BACK
from hub.returns.model import Refuse, Return
from hub.returns.states import ReturnState
from hub.runtime import steps
from hub.worker.deadlines import sweep
from tests.returns.desk import Desk
from tests.shop import OPERATOR
from vendor_sdk import messages
from vendor_sdk.messages import Inspected, Message, Received, Restocked

R = ReturnState


async def refund_units(desk: Desk, order: Order, units: int) -> None:
    """An operator gives the money of some units of the first line back, without any return."""
    sub = order.sub_orders[0]
    asked = [Asked(line_id=sub.lines[0].id, quantity=units)]
    await desk.shop.act(lambda tx: ask_refund(tx, order.id, sub.id, asked, "goodwill"))
    await desk.shop.run()


async def test_what_was_refunded_meanwhile_is_not_refunded_again(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 3))
    it = await desk.authorized(order, "mug", 2)
    await refund_units(desk, order, 2)
    it = await desk.receive(it, good=2)
    assert (it.state, it.reason) == (R.REFUNDED, None)
    assert [each.amount for each in await desk.shop.refunds(order.id)] == [2000, 1490], "one unit was left, and with it the shipping"
    assert await desk.shop.breaches() == []


@pytest.mark.parametrize(("bought", "paid"), [(1, [1, 1489]), (2, [1, 999])])
async def test_a_cent_of_goodwill_is_no_unit(desk: Desk, bought: int, paid: list[int]) -> None:
    order = await desk.bought(("acme", "mug", 1000, bought))
    sub = order.sub_orders[0]
    await desk.shop.act(lambda tx: ask_refund(tx, order.id, sub.id, [Asked(line_id=sub.lines[0].id, amount=1)], "goodwill"))
    await desk.shop.run()
    it = await desk.receive(await desk.authorized(await desk.shop.order(order.id), "mug", 1), good=1)
    assert (it.state, it.reason) == (R.REFUNDED, None)
    assert [each.amount for each in await desk.shop.refunds(order.id)] == paid
    assert await desk.shop.breaches() == []


async def test_all_of_it_was_refunded_meanwhile(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    it = await desk.authorized(order, "mug", 2)
    await desk.shop.act(lambda tx: ask_refund(tx, order.id, it.sub_order_id, None, "goodwill"))
    before = await desk.stock(it)
    it = await desk.receive(it, good=2)
    assert (it.state, it.reason, it.refund_id) == (R.REFUNDED, "given_back_before", None)
    assert (await desk.stock(it))["on_hand"] == before["on_hand"] + 2
    assert await desk.shop.breaches() == []


async def test_no_more_comes_back_than_was_bought_and_not_refunded(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 3))
    await refund_units(desk, order, 1)
    order = await desk.shop.order(order.id)
    with pytest.raises(Conflict, match="2 units") as no:
        await desk.ask(order, "mug", 3)
    assert (no.value.slug, no.value.field) == ("too_many", "/lines/0/quantity")
    first = await desk.ask(order, "mug", 1)
    await desk.refuse(first)
    await desk.cancel(await desk.ask(order, "mug", 1))
    await desk.ask(order, "mug", 1)
    with pytest.raises(Conflict, match="0 units"):
        await desk.ask(order, "mug", 1)


async def test_during_a_dispute_the_refund_waits_for_its_end(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.authorized(order, "mug", 1)
    reference = await desk.shop.dispute(order.id)
    it = await desk.receive(it, good=1)
    assert (it.state, await desk.shop.refunds(order.id)) == (R.RECEIVED, [])
    for _ in range(3):  # it is looked at again from time to time, and however often that is, nothing has failed
        await desk.shop.sql("UPDATE steps SET due_at = now() WHERE kind = 'return.give_back' AND state = 'open'")
        await desk.shop.run()
    attempts = await desk.shop.rows("SELECT attempt FROM steps WHERE kind = 'return.give_back' AND state = 'open'")
    assert [row.attempt for row in attempts] == [1]
    assert await desk.shop.breaches() == []
    await desk.shop.close_dispute(reference, "won")
    await desk.shop.run()
    it = await desk.look(it)
    assert (it.state, it.reason) == (R.REFUNDED, None)
    assert [each.amount for each in await desk.shop.refunds(order.id)] == [1490]
    assert await desk.shop.breaches() == []


async def test_what_the_bank_has_taken_is_not_refunded_again(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.authorized(order, "mug", 1)
    await desk.shop.close_dispute(await desk.shop.dispute(order.id), "lost")
    it = await desk.receive(it, good=1)
    assert (it.state, it.refund_id) == (R.REFUNDED, None)
    assert [each.kind for each in await desk.shop.refunds(order.id)] == ["dispute"]
    assert await desk.shop.breaches() == []


async def test_of_what_the_bank_has_taken_in_part_the_rest_is_refunded(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    it = await desk.authorized(order, "mug", 2)
    bears = "UPDATE vendors SET bears_disputes = {} WHERE code = 'acme'"
    await desk.shop.sql(bears.format("false"))
    await desk.shop.close_dispute(await desk.shop.dispute(order.id, amount=100), "lost")
    await desk.shop.sql(bears.format("NULL"))
    it = await desk.receive(it, good=2)
    assert (it.state, it.reason) == (R.REFUNDED, None)
    refunds = await desk.shop.refunds(order.id)
    assert [(each.kind, each.amount, each.id) for each in refunds] == [("refund", order.total - 100, it.refund_id)]
    assert await desk.shop.breaches() == []
    refund, line = f"UPDATE refunds SET state = '{{}}' WHERE id = '{refunds[0].id}'", f"WHERE id = '{it.lines[0].line_id}'"
    refunded = await desk.shop.scalar(f"SELECT refunded FROM lines {line}")
    await desk.shop.sql(refund.format("disputed"))
    await desk.shop.sql(f"UPDATE lines SET refunded = 0 {line}")
    assert "R2_returned_is_given_back" in {each.law for each in await desk.shop.breaches()}, "the bank has not taken all of it"
    await desk.shop.sql(refund.format(refunds[0].state))
    await desk.shop.sql(f"UPDATE lines SET refunded = {refunded} {line}")


async def test_the_refund_is_asked_for_once_whatever_dies_between(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.receive(await desk.authorized(order, "mug", 1), good=1)
    rows = await desk.shop.rows("SELECT id, state FROM steps WHERE subject_id = :id AND kind = :kind", id=it.id, kind=GIVE_BACK)
    assert [row.state for row in rows] == ["done"]
    with pytest.raises(Conflict):
        await desk.receive(it, good=1)
    assert len(await desk.shop.refunds(order.id)) == 1


async def test_who_cancels_first_wins(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    canceled = await desk.cancel(await desk.ask(order, "mug", 1))
    with pytest.raises(Conflict):
        await desk.authorize(canceled)
    authorized = await desk.authorized(order, "mug", 1)
    assert (await desk.cancel(authorized)).state is R.CANCELED
    assert await desk.steps(authorized) == {"returns.authorize": "canceled", "returns.inspect": "canceled"}
    sent = await desk.send(await desk.authorized(order, "mug", 1))
    with pytest.raises(Conflict):
        await desk.cancel(sent)


async def test_a_vendor_rejects_what_it_has_seen_and_an_operator_may_disagree(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    it = await desk.authorized(order, "mug", 2)
    with pytest.raises(Conflict):
        await desk.refuse(it)
    before = await desk.stock(it)
    it = await desk.receive(it, rejected=2)
    assert (it.state, it.reason, it.lines[0].rejected_reason) == (R.REFUSED, "worn", "worn")
    assert (await desk.shop.refunds(order.id), await desk.stock(it)) == ([], before)
    it = await desk.receive(it, operator=True, damaged=1, rejected=1)
    assert it.state is R.REFUNDED
    assert [each.amount for each in await desk.shop.refunds(order.id)] == [1000]
    with pytest.raises(Conflict, match="0 units"):
        await desk.ask(await desk.shop.order(order.id), "mug", 1)
    assert await desk.shop.breaches() == []


async def test_an_operator_decides_against_a_refusal(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.refuse(await desk.ask(order, "mug", 1))
    assert (it.state, it.reason) == (R.REFUSED, "not_returnable")
    it = await desk.authorize(it, OPERATOR)
    assert (it.state, it.reason) == (R.AUTHORIZED, None)
    assert (await desk.refuse(it, OPERATOR)).state is R.REFUSED
    with pytest.raises(NotFound):
        await desk.authorize(msgspec.structs.replace(it, vendor="bolt"))


async def late(desk: Desk, it: Return) -> Return:
    """Its vendor's time is over."""
    await desk.shop.sql("UPDATE steps SET deadline = now(), due_at = now() WHERE state = 'open' AND kind LIKE 'returns.%'")
    await sweep(desk.shop.wiring)
    return await desk.look(it)


async def test_silence_is_a_yes(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await late(desk, await desk.ask(order, "mug", 1))
    assert it.state is R.AUTHORIZED
    it = await late(desk, it)
    assert (it.state, await desk.letters(it)) == (R.EXPIRED, [])
    again = await desk.send(await desk.authorized(order, "mug", 1))
    again = await late(desk, again)
    assert (again.state, await desk.letters(it)) == (R.IN_TRANSIT, ["reception_overdue"])
    assert (await desk.receive(again, operator=True, good=1)).state is R.REFUNDED
    with pytest.raises(Invalid, match="only 0 units"):
        await desk.receive(it, operator=True, good=1)
    assert await desk.shop.breaches() == []


async def test_silence_may_be_an_operators_instead(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.ask(order, "mug", 1)
    timing = desk.shop.wiring.timing
    rules = msgspec.structs.replace(timing.returns, when_no_answer="operator")
    from hub.checkout.conclude import conclude

    async def unanswered(tx: Any) -> None:
        step = await steps.get(tx, it.authorize_id or "")
        assert step is not None
        await conclude(tx, msgspec.structs.replace(timing, returns=rules), step, steps.Outcome.refused(NO_ANSWER))

    await desk.shop.act(unanswered)
    assert ((await desk.look(it)).state, await desk.letters(it)) == (R.REQUESTED, ["authorization_overdue"])
    assert (await desk.authorize(it, OPERATOR)).state is R.AUTHORIZED


async def test_the_window_closes(desk: Desk) -> None:
    order = await desk.shop.paid(("acme", "mug", 1000, 1))
    with pytest.raises(Conflict) as early:
        await desk.ask(order, "mug", 1)
    order = await desk.shop.deliver(order.id)
    with pytest.raises(Conflict) as over:
        await desk.ask(order, "mug", 1, rules=msgspec.structs.replace(desk.rules, window=timedelta(0).total_seconds()))
    assert (early.value.slug, over.value.slug) == ("not_delivered", "window_over")


async def told(  # of what, what, and when
    desk: Desk, it: Return, command_id: str | None, kind: str, body: Message, told_at: datetime | None = None
) -> None:
    """Its vendor's spoke says something about a command."""
    headers = {messages.COMMAND_ID: command_id or "", messages.EVENT_ID: f"{command_id}.{kind}"}
    subject = f"evt.{it.vendor}.{kind}"
    heard = Heard(vendor=it.vendor, subject=subject, headers=headers, body=messages.encode(body), told_at=told_at)
    await desk.shop.act(lambda tx: hear_in(tx, desk.shop.wiring.timing, heard))
    await desk.shop.run()


async def test_goods_that_nobody_waits_for_are_an_operators(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    it = await desk.ask(order, "mug", 1)
    back = Received(sub_order_id=it.sub_order_id, items=[Inspected(sku=it.lines[0].sku, good=1)])
    await told(desk, it, it.authorize_id, "returns.received", back)
    assert (await desk.look(it)).state is R.REQUESTED, "it has overtaken the authorization, and will be asked for"
    it = await desk.authorize(it)
    await told(desk, it, it.inspect_id, "returns.received", back)
    assert (await desk.look(it)).state is R.REFUNDED
    await told(desk, it, it.authorize_id, "returns.received", back)
    assert len(await desk.shop.refunds(order.id)) == 1
    refused = await desk.refuse(await desk.ask(await desk.shop.order(order.id), "mug", 1))
    with pytest.raises(Foreign, match="which is refused"):
        await told(desk, refused, refused.authorize_id, "returns.received", back)
    with pytest.raises(Foreign, match="does not answer"):
        await told(desk, refused, refused.authorize_id, "stock.restocked", Restocked(sub_order_id=it.sub_order_id))
    wrong = await desk.shop.act(lambda tx: store.get(tx, refused.id), OPERATOR)
    assert wrong.state is R.REFUSED


@pytest.mark.parametrize(("capabilities", "added"), [("{returns}", 0), ("{returns,stock}", 1)])
async def test_good_units_that_a_newer_count_holds_are_not_added_to_it(desk: Desk, capabilities: str, added: int) -> None:
    """Who has a stock of its own to which we add, adds them after it has told us: no count from before that holds them."""
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.authorized(order, "mug", 1)
    can = "UPDATE vendors SET capabilities = '{}' WHERE code = 'acme'"
    await desk.shop.sql(can.format(capabilities))
    before = await desk.stock(it)
    told_at = before["counted_at"] - timedelta(seconds=1)
    back = Received(sub_order_id=it.sub_order_id, items=[Inspected(sku=it.lines[0].sku, good=1)])
    await told(desk, it, it.inspect_id, "returns.received", back, told_at)
    await desk.shop.sql(can.format("{}"))
    assert await desk.stock(it) == before | {"on_hand": before["on_hand"] + added, "received": before["received"] + added}
    assert (await desk.look(it)).state is R.REFUNDED
    assert await desk.shop.breaches() == []


async def test_what_comes_back_after_the_first_count_is_an_operators(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 3))
    it = await desk.receive(await desk.authorized(order, "mug", 3), operator=True, good=1)
    before = await desk.stock(it)
    sku = it.lines[0].sku
    await told(desk, it, it.inspect_id, "returns.received", Received(sub_order_id=it.sub_order_id, items=[Inspected(sku=sku, good=1)]))
    with pytest.raises(Foreign, match="which is refunded") as more:
        await told(desk, it, it.inspect_id, "returns.received", Received(sub_order_id=it.sub_order_id, items=[Inspected(sku=sku, good=3)]))
    assert (more.value.reason, await desk.stock(it), (await desk.look(it)).lines[0].good) == ("not_awaited", before, 1)


@pytest.mark.parametrize("first", ["cancel", "refuse"])
async def test_goods_that_come_as_the_return_ends_are_an_operators(desk: Desk, first: str) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.authorized(order, "mug", 1)
    database, timing = desk.shop.wiring.database, desk.shop.wiring.timing
    back = Received(sub_order_id=it.sub_order_id, items=[Inspected(sku=it.lines[0].sku, good=1)])
    headers = {messages.COMMAND_ID: it.inspect_id or "", messages.EVENT_ID: f"{it.inspect_id}.received"}
    heard = Heard(vendor=it.vendor, subject=f"evt.{it.vendor}.returns.received", headers=headers, body=messages.encode(back))
    async with database.tx(desk.shop.buyer if first == "cancel" else OPERATOR) as tx:
        if first == "cancel":
            await ask.cancel(tx, it.order_id, it.id)
        else:
            await answer.decide_refuse(tx, it.id, Refuse(reason="not_returnable"))
        hearing = asyncio.create_task(hear(database, timing, heard))
        await asyncio.sleep(0.3)
        assert not hearing.done(), "it waits for the order"
    await hearing
    rows = await desk.shop.rows(
        "SELECT reason FROM dead_letters WHERE headers ->> :name = :id", name=messages.EVENT_ID, id=headers[messages.EVENT_ID]
    )
    assert [row.reason for row in rows] == ["not_awaited"]
    assert await desk.shop.scalar("SELECT count(*) FROM inbox WHERE event_id = :id", id=headers[messages.EVENT_ID]) == 0


async def test_a_spoke_that_counts_wrong_is_told_where(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 1))
    it = await desk.authorized(order, "mug", 1)
    for found, field in (
        ([Inspected(sku="tea", good=1)], "/items/0/sku"),
        ([Inspected(sku=it.lines[0].sku, good=1, damaged=1)], "/items/0"),
        ([Inspected(sku=it.lines[0].sku, good=1)] * 2, "/items/1/sku"),
        ([Inspected(sku=it.lines[0].sku)], "/items"),
    ):
        with pytest.raises(Invalid) as no:
            await told(desk, it, it.inspect_id, "returns.received", Received(sub_order_id=it.sub_order_id, items=found))
        assert no.value.field == field
    assert (await desk.look(it)).state is R.AUTHORIZED
