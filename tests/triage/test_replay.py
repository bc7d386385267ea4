"""A dead letter is sent again: never a second one, never what nobody waits for, and its end follows from what it is about."""

from typing import Any

import msgspec
import pytest

from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.letters.store import Letter
from hub.orders.states import SubOrderState
from hub.runtime import audit, failures
from hub.runtime.database import Tx
from hub.triage import quarantine
from hub.triage.edit import edit
from hub.triage.quarantine import NewQuarantine
from hub.triage.replay import Asked, replay
from hub.worker.deadlines import sweep
from tests.triage.spokes import Spokes
from vendor_sdk.messages import Accepted, Pending

S = SubOrderState


async def again(spokes: Spokes, letter: Letter, **asked: Any) -> Letter:
    return await spokes.shop.act(lambda tx: replay(tx, spokes.timing, letter.id, Asked(why="mended", **asked)))


async def state_of(spokes: Spokes, order_id: str) -> SubOrderState:
    return (await spokes.shop.order(order_id)).sub_orders[0].state


async def test_a_command_that_died_waits_and_is_done_once_it_is_replayed(spokes: Spokes) -> None:
    order, letter = await spokes.dead_order()
    assert await state_of(spokes, order.id) is S.ROUTED
    assert (letter.source, letter.kind, letter.reason, letter.at_risk, letter.currency) == ("step", "orders.submit", "failed", 2490, "EUR")
    assert await spokes.asked() == [], "nothing is sent while it lies there"
    assert (await again(spokes, letter)).state == "replaying"
    await spokes.work_off()
    await spokes.settle()
    (ended,) = await spokes.letters()
    assert (ended.state, ended.resolution, ended.times) == ("resolved", "answered: ok", 1)
    assert await state_of(spokes, order.id) is S.SETTLED
    assert await spokes.shop.breaches(settled=True) == []


async def test_failing_again_it_is_the_same_letter_and_open(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    await again(spokes, letter)
    (step,) = await spokes.asked()
    await spokes.dies(step, "ValueError: still garbage")
    (failed,) = await spokes.letters()
    assert (failed.id, failed.state, failed.times, failed.detail) == (letter.id, "open", 2, "ValueError: still garbage")
    async with spokes.database.reading() as tx:
        told = [each.error for each in await failures.of_step(tx, step.id)]
    assert told == ["failed: ValueError: still garbage", "failed: ValueError: garbage"]


async def test_a_death_of_the_time_before_is_not_one_of_the_replay(spokes: Spokes) -> None:
    order = await spokes.order()
    (first,) = await spokes.asked()
    await spokes.dies(first)
    (letter,) = await spokes.letters()
    await again(spokes, letter)
    await spokes.dies(first)  # the broker repeats it
    (still,) = await spokes.letters()
    assert still.state == "replaying"
    await spokes.work_off()
    assert await state_of(spokes, order.id) is S.SETTLED


async def test_a_late_answer_of_the_vendor_ends_it(spokes: Spokes) -> None:
    order = await spokes.order()
    (step,) = await spokes.asked()
    await spokes.dies(step)
    await spokes.tell(step, "orders.accepted", Accepted(sub_order_id=step.subject_id))
    await spokes.settle()
    (letter,) = await spokes.letters()
    assert (letter.state, letter.resolution) == ("resolved", "answered: ok")
    assert await state_of(spokes, order.id) is S.ACCEPTED
    with pytest.raises(Conflict) as no:
        await again(spokes, letter)
    assert no.value.slug == "already_resolved"


async def test_what_was_given_up_on_and_is_pending_after_all_is_asked_for_again_and_undone_if_it_comes_to_nothing(spokes: Spokes) -> None:
    order = await spokes.order()
    (step,) = await spokes.asked()
    await spokes.dies(step)
    await spokes.tell(step, "orders.pending", Pending(sub_order_id=step.subject_id))
    await spokes.shop.sql("UPDATE steps SET due_at = now() WHERE state = 'open' AND target = 'acme'")
    (again,) = await spokes.asked()
    assert again.id == step.id
    await spokes.shop.sql("UPDATE steps SET deadline = now() WHERE state = 'open' AND target = 'acme'")
    await sweep(spokes.shop.wiring)
    assert await state_of(spokes, order.id) is S.DECLINED
    assert [asked.kind for asked in await spokes.asked()] == ["orders.recall"], "it may have taken it on"


async def test_its_deadline_decides_what_nobody_mends(spokes: Spokes) -> None:
    order, _ = await spokes.dead_order()
    await spokes.shop.sql("UPDATE steps SET deadline = now() WHERE state = 'open' AND target = 'acme'")
    await sweep(spokes.shop.wiring)
    await spokes.settle()
    assert await state_of(spokes, order.id) is S.DECLINED
    (letter,) = await spokes.letters()
    assert (letter.state, letter.resolution) == ("resolved", "decided without it")


async def test_what_is_done_at_the_vendor_and_died_on_the_way_is_not_done_twice(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    step_id = letter.step_id
    await again(spokes, letter)
    (step,) = await spokes.asked()
    assert step.id == step_id, "the command's id is the vendor's key: it knows what it has done"
    assert step.attempt > 2, "and the broker takes it for a new message"


async def test_a_shipment_that_died_for_good_is_asked_for_anew_with_as_much_time(spokes: Spokes) -> None:
    order = await spokes.order()
    (submit,) = await spokes.asked()
    await spokes.works(submit)
    await spokes.shop.run()
    (ship,) = await spokes.asked()
    await spokes.shop.sql("UPDATE steps SET deadline = now() WHERE kind = 'shipping.ship'")
    await sweep(spokes.shop.wiring)
    (letter,) = await spokes.letters()
    assert (letter.kind, letter.reason, letter.state) == ("shipping.ship", "deadline", "open")
    await spokes.settle()
    assert (await spokes.letters())[0].state == "open", "the part stands, and somebody has to see to it"
    await again(spokes, letter)
    (anew,) = await spokes.asked()
    assert anew.id == ship.id
    assert anew.deadline is not None
    await spokes.works(anew)
    await spokes.work_off()
    await spokes.settle()
    assert await state_of(spokes, order.id) is S.SETTLED
    assert (await spokes.letters())[0].state == "resolved"


async def test_what_would_mean_nothing_any_more_is_not_sent(spokes: Spokes) -> None:
    order, letter = await spokes.dead_order()
    await spokes.shop.cancel(order.id)
    with pytest.raises(Conflict) as no:
        await again(spokes, letter)
    assert (no.value.slug, "withdrawn" in no.value.detail) == ("not_replayable", True)
    await spokes.settle()
    assert (await spokes.letters())[0].resolution == "withdrawn"


async def test_an_operator_who_has_seen_an_older_one_is_told(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    await again(spokes, letter, version=letter.version)
    with pytest.raises(Conflict) as no:
        await again(spokes, letter, version=letter.version)
    assert no.value.slug == "version_mismatch"
    with pytest.raises(Conflict) as no:
        await again(spokes, letter)
    assert no.value.slug == "already_replaying"


async def test_a_vendor_reaches_only_its_own(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    with pytest.raises(NotFound):
        await again(spokes, letter, target="bolt")
    assert (await again(spokes, letter, target="acme")).state == "replaying"


async def test_what_is_in_quarantine_nobody_sends(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    for what, value in (("fingerprint", letter.fingerprint), ("target", "acme"), ("kind", "orders.submit")):
        new = NewQuarantine(what=what, value=value, reason="it kills")  # pyright: ignore[reportArgumentType]  # a word of its literal
        bar = await spokes.shop.act(lambda tx, new=new: quarantine.put(tx, new))
        with pytest.raises(Conflict) as no:
            await again(spokes, letter)
        assert no.value.slug == "quarantined"
        await spokes.shop.act(lambda tx, bar=bar: quarantine.lift(tx, bar.id, "looked into"))
        with pytest.raises(Conflict) as no:
            await spokes.shop.act(lambda tx, bar=bar: quarantine.lift(tx, bar.id, "again"))
        assert no.value.slug == "already_lifted"
    assert (await again(spokes, letter)).state == "replaying"


async def test_each_act_stands_in_the_audit_log_which_nobody_changes(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    await again(spokes, letter)
    async with spokes.database.reading() as tx:
        (act,) = await audit.acts(tx, subject_id=letter.id)
    assert (act.what, act.who, act.why) == ("dead_letter.replayed", "operator:olga", "mended")
    with pytest.raises(Exception, match="append-only"):
        await spokes.shop.sql("UPDATE audit_log SET why = ''")
    with pytest.raises(Exception, match="append-only"):
        await spokes.shop.sql("DELETE FROM audit_log")


async def mended(spokes: Spokes, letter: Letter, **values: Any) -> Letter:
    payload = msgspec.json.decode(letter.payload) | values
    return await spokes.shop.act(lambda tx: edit(tx, letter.id, payload, why="typing error", version=None))


async def test_an_edit_is_what_is_sent_and_the_original_is_kept(spokes: Spokes) -> None:
    _, letter = await spokes.dead_order()
    address = msgspec.json.decode(letter.payload)["ship_to"]
    edited = await mended(spokes, letter, ship_to=address | {"postal_code": "10117"})
    assert (edited.original, edited.version) == (letter.payload, letter.version + 1)
    async with spokes.database.reading() as tx:
        (act,) = await audit.acts(tx, subject_id=letter.id)
    assert act.after["diff"] == [{"path": "/ship_to/postal_code", "before": address["postal_code"], "after": "10117"}]
    await again(spokes, letter, version=edited.version)
    (step,) = await spokes.asked()
    assert step.payload["ship_to"]["postal_code"] == "10117"


@pytest.mark.parametrize(
    ("values", "slug", "field"),
    [
        ({"total": 1}, "fixed", "/payload/total"),
        ({"sub_order_id": "sub_other"}, "fixed", "/payload/sub_order_id"),
        ({"items": []}, "fixed", "/payload/items"),
        ({"shipping_option": 7}, "malformed", "/payload/shipping_option"),
        ({"ship_to": {}}, "malformed", "/payload/ship_to"),
        ({"surprise": True}, "malformed", "/payload"),
        ({}, "unchanged", "/payload"),
    ],
)
async def test_an_edit_that_would_break_it_is_refused_by_its_field(spokes: Spokes, values: dict[str, Any], slug: str, field: str) -> None:
    _, letter = await spokes.dead_order()
    with pytest.raises(Invalid) as no:
        await mended(spokes, letter, **values)
    assert (no.value.slug, no.value.field) == (slug, field)
    assert (await spokes.letters())[0].payload == letter.payload


async def test_a_malformed_event_is_mended_and_heard(spokes: Spokes) -> None:
    order = await spokes.order()
    (step,) = await spokes.asked()
    await spokes.tell(step, "orders.accepted", Pending(sub_order_id="sub_of_nobody"))
    (letter,) = await spokes.letters()
    assert (letter.source, letter.reason) == ("event", "foreign")
    with pytest.raises(Conflict) as no:
        await again(spokes, letter)
    assert no.value.slug == "not_replayable"
    await mended(spokes, letter, sub_order_id=step.subject_id)
    await again(spokes, letter)
    (heard,) = await spokes.letters()
    assert (heard.state, heard.resolution) == ("resolved", "heard")
    assert await state_of(spokes, order.id) is S.ACCEPTED


async def test_what_has_no_schema_is_not_edited_and_what_names_nothing_not_sent(spokes: Spokes) -> None:
    from hub.letters.keep import Given, keep

    given = Given(source="law", identity="law:1", target="@hub", kind="books", reason="books", detail="", headers={}, payload="{}")

    async def told(tx: Tx) -> None:
        await keep(tx, given)

    await spokes.shop.act(told)
    (letter,) = await spokes.letters()
    with pytest.raises(Conflict) as no:
        await mended(spokes, letter, x=1)
    assert no.value.slug == "not_editable"
    with pytest.raises(Conflict) as no:
        await again(spokes, letter)
    assert (no.value.slug, "by hand" in no.value.detail) == ("not_replayable", True)
