"""`hub dlq` on single letters: found, understood, mended, given up; each no is one line that names the field."""

from pathlib import Path

import pytest

from hub.dlq.reach import Refused
from hub.letters.keep import Given, keep
from hub.refunds import ask
from tests.dlq.conftest import SAID, Desk
from tests.sandbox.controls import turn


async def test_letters_are_listed_by_any_of_their_facts(desk: Desk):
    step, event = await desk.given_up(detail="listed"), await desk.heard("listed", kind="stock.released")
    found = await desk.told("list", "--text", "listed")
    assert [letter["id"] for letter in found] == [event, step]
    (letter,) = await desk.told("list", "--text", "listed", "--source", "step")
    same = ["--state", "open", "--target", "acme", "--kind", "orders.submit", "--letter-reason", "malformed", "--currency", "EUR"]
    same += ["--fingerprint", letter["fingerprint"], "--order", letter["saga_id"], "--at-risk-min", str(letter["at_risk"]["amount"])]
    same += ["--since", "2020-01-01", "--until", "2100-01-01T00:00:00Z"]
    assert [letter["id"] for letter in await desk.told("list", *same)] == [step]
    assert await desk.told("list", "--at-risk-min", str(letter["at_risk"]["amount"] + 1), "--order", letter["saga_id"]) == []
    assert await desk.told("list", "--state", "resolved", "--text", "listed") == []
    shown = await desk.hub("list", "--text", "listed", "--source", "step")
    assert step in shown
    assert "malformed: listed" in shown
    assert "24.90 EUR" in shown


async def test_a_list_goes_on_over_pages_up_to_its_limit(desk: Desk):
    ids = [await desk.heard("paged") for _ in range(3)]
    assert [letter["id"] for letter in await desk.told("list", "--text", "paged", "--limit", "2")] == [ids[2], ids[1]]
    async with desk.shop.wiring.database.tx() as tx:
        for number in range(150):
            await keep(tx, Given(**SAID, identity=f"many:{number}", detail="many of these"))
    assert len(await desk.told("list", "--text", "many of", "--limit", "1000")) == 150
    assert len(await desk.told("list", "--text", "many of", "--limit", "120")) == 120


async def test_groups_show_how_often_and_how_much(desk: Desk):
    await desk.given_up(detail="grouped 1")
    last = await desk.given_up(detail="grouped 2")
    (group,) = [group for group in await desk.told("groups", "--target", "acme") if group["example"] == last]
    assert (group["count"], group["at_risk"]) == (2, [{"amount": 2 * 2490, "currency": "EUR"}])
    shown = await desk.hub("groups")
    assert group["fingerprint"] in shown
    assert "49.80 EUR" in shown


async def test_one_letter_is_shown_with_all_around_it(desk: Desk):
    letter = await desk.given_up(detail="shown")
    await desk.hub("assign", letter, "ada", "--reason", "she knows them")
    await desk.hub("note", letter, "called them")
    shown = await desk.hub("show", letter)
    for said in ("malformed: shown", "24.90 EUR", '"sub_order_id"', "timeline", "sub_order", "ada", "called them", "she knows them"):
        assert said in shown, shown
    assert (await desk.told("show", letter))["assignee"] == "ada"
    assert "ada" not in await desk.hub("assign", letter)
    assert (await desk.told("show", letter))["assignee"] is None


async def test_one_is_replayed_and_resolves_once_its_vendor_answers(desk: Desk):
    letter = await desk.given_up(detail="replayed")
    assert (await desk.told("replay", letter, "--reason", "mended there"))["state"] == "replaying"
    await desk.accept(letter)
    await desk.work()
    assert (await desk.told("show", letter))["state"] == "resolved"
    with pytest.raises(Refused, match="409 already_resolved"):
        await desk.hub("replay", letter, "--reason", "again")


async def test_single_values_are_edited_and_the_difference_is_shown(desk: Desk):
    letter = await desk.given_up(detail="edited")
    shown = await desk.hub("edit", letter, "--reason", "they moved", "--set", "/ship_to/city=Paris", "--set", "/ship_to/postal_code=75001")
    assert "/ship_to/city" in shown
    assert "Berlin" in shown
    assert "Paris" in shown
    seen = await desk.told("show", letter)
    assert (seen["version"], '"city":"Paris"' in seen["payload"], '"city":"Berlin"' in seen["original"]) == (2, True, True)
    with pytest.raises(Refused, match=r"422 unchanged, /payload\)$"):
        await desk.hub("edit", letter, "--reason", "again", "--set", "/ship_to/city=Paris")


async def test_what_an_edit_must_not_change_is_refused_by_its_field(desk: Desk, tmp_path: Path):
    letter = await desk.given_up(detail="fixed")
    with pytest.raises(Refused, match=r"422 fixed, /payload/items\)$"):
        await desk.hub("edit", letter, "--reason", "less", "--set", "/items=[]")
    with pytest.raises(Refused, match=r"422 malformed, /payload/ship_to/city\)$"):
        await desk.hub("edit", letter, "--reason", "odd", "--set", "/ship_to/city=[]")
    with pytest.raises(Refused, match="/ship_to/town/name leads nowhere: there is no town"):
        await desk.hub("edit", letter, "--reason", "odd", "--set", "/ship_to/town/name=7")
    with pytest.raises(Refused, match="give --file, or --set"):
        await desk.hub("edit", letter, "--reason", "nothing")
    (tmp_path / "payload.json").write_text("{")
    with pytest.raises(Refused, match=r"payload\.json is no JSON"):
        await desk.hub("edit", letter, "--reason", "odd", "--file", str(tmp_path / "payload.json"))
    assert (await desk.told("show", letter))["version"] == 1


async def test_a_whole_payload_is_taken_from_a_file(desk: Desk, tmp_path: Path):
    letter = await desk.given_up(detail="from a file")
    payload = (await desk.told("show", letter))["payload"]
    (tmp_path / "payload.json").write_text(payload.replace("Berlin", "Rome"))
    assert "Rome" in await desk.hub("edit", letter, "--reason", "they moved", "--file", str(tmp_path / "payload.json"))


async def test_a_discard_is_chosen_and_can_be_undone(desk: Desk):
    letter = await desk.given_up(detail="discarded")
    given_up = await desk.told("discard", letter, "--reason", "they closed", "--compensation", "cancel")
    assert (given_up["state"], given_up["resolution"]) == ("discarded", "cancel")
    assert (await desk.told("restore", letter, "--reason", "they did not"))["state"] == "open"
    with pytest.raises(Refused, match="409 compensated"):
        await desk.hub("restore", letter, "--reason", "twice")


async def test_what_was_done_by_hand_is_answered_for(desk: Desk, tmp_path: Path):
    letter = await desk.given_up(detail="by hand")
    answer = tmp_path / "answer.json"
    answer.write_text('{"event": "orders.accepted", "payload": {"sub_order_id": "sub_another"}}')
    by_hand = ["discard", letter, "--reason", "by telephone", "--compensation", "by-hand"]
    with pytest.raises(Refused, match=r"422 foreign, /answer/payload/sub_order_id\)$"):
        await desk.hub(*by_hand, "--answer-file", str(answer))
    assert (await desk.told(*by_hand))["resolution"] == "by_hand"


async def test_a_stale_version_is_refused_and_changes_nothing(desk: Desk):
    letter = await desk.given_up(detail="stale")
    await desk.hub("assign", letter, "ada", "--version", "1")
    for words in (
        ["replay", letter, "--reason", "x"],
        ["edit", letter, "--reason", "x", "--set", "/ship_to/city=Paris"],
        ["discard", letter, "--reason", "x", "--compensation", "cancel"],
        ["assign", letter, "bob"],
    ):
        with pytest.raises(Refused, match=r"it is at version 2 by now \(412 version_mismatch, header:If-Match\)$"):
            await desk.hub(*words, "--version", "1")
    seen = await desk.told("show", letter)
    assert (seen["state"], seen["assignee"], seen["original"]) == ("open", "ada", None)


async def test_no_reason_is_no_act(desk: Desk):
    letter = await desk.given_up(detail="no reason")
    with pytest.raises(Refused, match=r"\(400 invalid_request, .*reason"):
        await desk.hub("replay", letter, "--reason", "")
    assert (await desk.told("show", letter))["state"] == "open"


async def test_what_a_vendor_wrote_does_nothing_to_the_terminal(desk: Desk):
    letter = await desk.heard("\x1b[2J\x9b31m[bold]gone[/]\u202e", payload='"\x1b]0;x\x07"')
    for words in (["list", "--text", "gone"], ["show", letter], ["groups"]):
        shown = await desk.hub(*words)
        assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(shown)
    assert "[bold]gone[/]" in await desk.hub("list", "--text", "gone")


async def test_a_refund_that_came_back_stays_until_it_has_arrived_after_all(desk: Desk):
    order = await desk.shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_refundFail")
    await desk.shop.act(lambda tx: ask.ask_refund(tx, order.id, order.sub_orders[0].id, None, "damaged"))
    await desk.shop.run()
    await turn(desk.shop.app, "advance", {"seconds": 7200})
    await desk.shop.hear()
    await desk.work()
    (letter,) = await desk.told("list", "--order", order.id)
    assert (letter["state"], letter["kind"], letter["at_risk"]["amount"]) == ("open", "payment.refund", 1490)
    await desk.hub("replay", letter["id"], "--reason", "they have another card")
    await desk.work()
    assert (await desk.told("show", letter["id"]))["state"] == "replaying"
    await desk.shop.run()
    await desk.work()
    assert (await desk.told("show", letter["id"]))["resolution"] == "refund succeeded"


@pytest.mark.parametrize("source", ["payout", "reconcile", "law", "provider"])
async def test_what_names_nothing_to_send_is_given_up_as_done_by_hand(desk: Desk, source: str):
    of = {"payout": "po_1", "law": "ord_none"}.get(source)
    letter = await desk.heard(source=source, target="@hub", kind=source, saga_id=of, headers={"event": "1"})
    if source != "provider":
        with pytest.raises(Refused, match="409 not_replayable"):
            await desk.hub("replay", letter, "--reason", "x")
    with pytest.raises(Refused, match="409 not_offered"):
        await desk.hub("discard", letter, "--reason", "x", "--compensation", "cancel")
    assert (await desk.told("discard", letter, "--reason", "mended", "--compensation", "by-hand"))["state"] == "discarded"
    await desk.shop.run()
    assert (await desk.told("show", letter))["state"] == "compensated"
