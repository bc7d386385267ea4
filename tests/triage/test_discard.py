"""A dead letter is given up only for a reason and with what makes up for it, and not for good at once."""

from typing import Any

import pytest

from hub.kernel.errors import Conflict, Invalid
from hub.letters.store import Letter
from hub.orders.states import SubOrderState
from hub.runtime import audit
from hub.triage.discard import Answer, Discard, discard, restore
from tests.triage.spokes import Spokes

S = SubOrderState
GRACE = 300.0
BOTH = (("acme", "mug", 2000, 1), ("bolt", "pan", 3000, 1))


async def give_up(spokes: Spokes, letter: Letter, compensation: str, answer: Answer | None = None, version: int | None = None) -> Letter:
    asked = Discard(reason="hopeless", compensation=compensation, answer=answer)  # pyright: ignore[reportArgumentType]  # a word of its literal
    return await spokes.shop.act(lambda tx: discard(tx, letter.id, asked, version=version, grace=GRACE))


async def the_letter(spokes: Spokes) -> Letter:
    (letter,) = await spokes.letters()
    return letter


async def compensated(spokes: Spokes) -> None:
    """The grace is over (the shop lets all time pass at once)."""
    await spokes.shop.run()


def states(order: Any) -> dict[str, str]:
    return {sub.vendor: str(sub.state) for sub in order.sub_orders}


async def test_canceled_before_it_was_paid_for_the_rest_goes_on(spokes: Spokes) -> None:
    order = await spokes.order(*BOTH)
    for step in await spokes.asked():
        await (spokes.dies(step) if step.target == "acme" else spokes.works(step))
    discarded = await give_up(spokes, await the_letter(spokes), "cancel")
    assert (discarded.state, discarded.resolution) == ("discarded", "cancel")
    assert states(await spokes.shop.order(order.id))["acme"] == "routed", "not yet"
    await compensated(spokes)
    assert (await the_letter(spokes)).state == "compensated"
    await spokes.work_off()
    assert states(await spokes.shop.order(order.id)) == {"acme": "canceled", "bolt": "settled"}
    assert await spokes.shop.scalar("SELECT captured FROM payments WHERE order_id = :id", id=order.id) == 3490


async def test_canceled_after_it_was_paid_the_buyer_gets_its_money_back(spokes: Spokes) -> None:
    order = await spokes.order()
    (submit,) = await spokes.asked()
    await spokes.works(submit)
    await spokes.shop.run()
    (ship,) = await spokes.asked()
    await spokes.dies(ship)
    await give_up(spokes, await the_letter(spokes), "cancel")
    await compensated(spokes)
    assert states(await spokes.shop.order(order.id)) == {"acme": "canceled"}
    (refund,) = await spokes.shop.refunds(order.id)
    assert (refund.amount, str(refund.state)) == (2490, "succeeded")
    assert await spokes.shop.breaches() == []


async def test_restored_in_time_nothing_has_happened(spokes: Spokes) -> None:
    order, letter = await spokes.dead_order()
    await give_up(spokes, letter, "cancel")
    back = await spokes.shop.act(lambda tx: restore(tx, letter.id, "too soon", version=None))
    assert (back.state, back.resolution) == ("open", None)
    await compensated(spokes)
    assert states(await spokes.shop.order(order.id)) == {"acme": "routed"}
    async with spokes.database.reading() as tx:
        assert [act.what for act in await audit.acts(tx, subject_id=letter.id)] == ["dead_letter.restored", "dead_letter.discarded"]


async def test_what_is_made_up_for_is_not_restored(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    await give_up(spokes, letter, "cancel")
    await compensated(spokes)
    with pytest.raises(Conflict) as no:
        await spokes.shop.act(lambda tx: restore(tx, letter.id, "too late", version=None))
    assert no.value.slug == "compensated"


async def test_rerouted_another_vendor_delivers_it(spokes: Spokes) -> None:
    order, letter = await spokes.dead_order(on_shortage="reroute")
    await spokes.shop.also("bolt", ("acme", "mug", 2000), 1900)
    await give_up(spokes, letter, "reroute")
    await compensated(spokes)
    assert states(await spokes.shop.order(order.id)) == {"acme": "declined", "bolt": "routed"}


async def test_only_with_the_buyers_consent(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order(on_shortage="partial")
    with pytest.raises(Conflict) as no:
        await give_up(spokes, letter, "reroute")
    assert no.value.slug == "not_offered"
    assert (await the_letter(spokes)).state == "open"


async def test_done_by_hand_it_is_as_if_the_vendor_had_said_so(spokes: Spokes) -> None:
    order, letter = await spokes.dead_order()
    await give_up(spokes, letter, "by_hand")
    await compensated(spokes)
    await spokes.work_off()
    assert states(await spokes.shop.order(order.id)) == {"acme": "settled"}


async def test_a_shipment_by_hand_says_by_which_parcels(spokes: Spokes) -> None:
    order = await spokes.order()
    (submit,) = await spokes.asked()
    await spokes.works(submit)
    await spokes.shop.run()
    (ship,) = await spokes.asked()
    await spokes.dies(ship)
    letter = await the_letter(spokes)
    parcels = [{"carrier": "post", "tracking_number": "1"}]
    right = {"sub_order_id": ship.subject_id, "parcels": parcels}
    for answer, field in (
        (None, "/answer"),
        (Answer(event="orders.accepted", payload={"sub_order_id": ship.subject_id}), "/answer/event"),
        (Answer(event="shipping.shipped", payload={"sub_order_id": ship.subject_id}), "/answer/payload"),
        (Answer(event="shipping.shipped", payload=right | {"sub_order_id": "sub_other"}), "/answer/payload/sub_order_id"),
    ):
        with pytest.raises(Invalid) as no:
            await give_up(spokes, letter, "by_hand", answer)
        assert no.value.field == field
    await give_up(spokes, letter, "by_hand", Answer(event="shipping.shipped", payload=right))
    await compensated(spokes)
    assert states(await spokes.shop.order(order.id)) == {"acme": "shipped"}


async def test_an_answer_that_came_meanwhile_is_what_counts(spokes: Spokes) -> None:
    order = await spokes.order()
    (step,) = await spokes.asked()
    await spokes.dies(step)
    await give_up(spokes, await the_letter(spokes), "by_hand")
    await spokes.works(step)
    await spokes.shop.run()
    assert states(await spokes.shop.order(order.id)) == {"acme": "accepted"}
    assert (await the_letter(spokes)).state == "compensated"


async def test_what_has_left_meanwhile_cannot_be_canceled_and_is_open_again(spokes: Spokes) -> None:
    order = await spokes.order()
    (submit,) = await spokes.asked()
    await spokes.works(submit)
    await spokes.shop.run()
    (ship,) = await spokes.asked()
    await spokes.dies(ship)
    await give_up(spokes, await the_letter(spokes), "cancel")
    await spokes.works(ship)
    await compensated(spokes)
    letter = await the_letter(spokes)
    assert (letter.state, letter.resolution) == ("open", None)
    assert states(await spokes.shop.order(order.id)) == {"acme": "shipped"}


async def test_two_operators_on_one_letter(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    await give_up(spokes, letter, "cancel", version=letter.version)
    with pytest.raises(Conflict) as no:
        await give_up(spokes, letter, "by_hand", version=letter.version)
    assert no.value.slug == "version_mismatch"
    with pytest.raises(Conflict) as no:
        await give_up(spokes, letter, "by_hand")
    assert no.value.slug == "not_open"
