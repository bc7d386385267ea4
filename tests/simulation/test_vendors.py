"""Simulated vendors do what they are asked once, answer it always, and are as difficult as their characters."""

import asyncio
from datetime import UTC, datetime

import pytest

from hub.simulation.characters import CHARACTERS, FAULTS, character_for
from hub.simulation.nature import EPOCH, Nature
from tests.simulation.vendor_play import DAY, Play, play, whole
from vendor_sdk.messages import ANSWERS


def test_a_sub_orders_whole_life() -> None:
    one = play(whole)
    assert one.answers("reserve-s1") == ["stock.reserved"]
    assert one.answers("submit-s1") == ["orders.accepted"]
    assert one.answers("ship-s1") == ["shipping.pending", "shipping.shipped", "shipping.delivered"]
    assert one.answers("track-s1") == ["shipping.delivered"]
    house = one.vendor.house
    assert house.done == {"reserve-s1": 1, "submit-s1": 1, "ship-s1": 1}
    assert (house.reserved, house.shipped, house.free) == ({}, {"s1": {"tea": 2}}, {"tea": 3})
    assert list(house.delivered) == ["s1"]


def test_it_keeps_silent_of_later_facts_until_it_is_asked() -> None:
    async def story(one: Play) -> None:
        await whole(one)
        one.ask("shipping.ship", attempt=2)
        await asyncio.sleep(60)

    one = play(story, "slow")
    assert one.answers("ship-s1") == ["shipping.pending", "shipping.shipped"]
    assert one.answers("track-s1") == ["shipping.delivered"]
    assert one.vendor.house.done["ship-s1"] == 1


def test_all_or_nothing_is_reserved_and_asked_anew_is_answered_anew() -> None:
    async def story(one: Play) -> None:
        for sub in ("s1", "s2", "s3"):
            one.ask("stock.reserve", sub)
        await asyncio.sleep(60)
        one.ask("stock.reserve", "s1", attempt=2)
        one.ask("stock.reserve", "s3", attempt=2)
        await asyncio.sleep(60)

    one = play(story)
    refused = [sub for sub in ("s1", "s2", "s3") if one.answers(f"reserve-{sub}")[0] == "stock.refused"]
    assert len(refused) == 1
    assert len(one.answers("reserve-s1")) == 2
    assert set(one.vendor.house.done.values()) == {1}
    assert len(one.vendor.house.done) == 2


def test_what_is_undone_before_it_was_done_is_not_done() -> None:
    async def story(one: Play) -> None:
        one.ask("stock.release", "s1")
        one.ask("orders.recall", "s2")
        await asyncio.sleep(10)
        one.ask("stock.reserve", "s1")
        one.ask("orders.submit", "s2")
        await asyncio.sleep(10)

    one = play(story)
    assert (one.answers("release-s1"), one.answers("reserve-s1")) == (["stock.released"], ["stock.refused"])
    assert (one.answers("recall-s2"), one.answers("submit-s2")) == (["orders.recalled"], ["orders.declined"])
    assert one.vendor.house.done == {}


def test_a_recall_gives_the_goods_back_and_ends_what_was_to_be_told() -> None:
    async def story(one: Play) -> None:
        one.ask("orders.submit")
        await asyncio.sleep(60)
        one.ask("shipping.ship")
        await asyncio.sleep(1)
        one.ask("orders.recall")
        await asyncio.sleep(10 * DAY)

    one = play(story, "picky")
    assert one.answers("recall-s1") == ["orders.recalled"]
    assert one.answers("ship-s1") == ["shipping.pending"]
    assert one.vendor.house.free == {"tea": 5}


def test_what_has_left_is_kept() -> None:
    async def story(one: Play) -> None:
        await whole(one)
        one.ask("orders.recall")
        await asyncio.sleep(60)

    one = play(story)
    assert one.answers("recall-s1") == ["orders.kept"]
    assert one.vendor.house.shipped == {"s1": {"tea": 2}}


def test_an_old_reservation_falls_back() -> None:
    async def story(one: Play) -> None:
        soon = datetime.fromtimestamp(EPOCH + 60, UTC).isoformat()
        one.ask("stock.reserve", "s1", expires_at=soon)
        await asyncio.sleep(100)
        one.vendor.house.expire(one.nature.unix())
        assert one.vendor.house.reserved == {}

    play(story)


def test_what_comes_after_its_deadline_is_not_done() -> None:
    async def story(one: Play) -> None:
        one.ask("stock.reserve", deadline=datetime.fromtimestamp(EPOCH - 1, UTC).isoformat())
        await asyncio.sleep(3600)

    one = play(story)
    assert one.heard == []
    assert one.broker.streams["CMD_acme"].messages == {}


def test_nobody_ships_what_was_never_ordered() -> None:
    async def story(one: Play) -> None:
        one.ask("shipping.ship")
        await asyncio.sleep(60)

    assert play(story).answers("ship-s1") == ["spoke.dead"]


def test_an_offline_vendors_commands_wait_for_its_return() -> None:
    async def story(one: Play) -> None:
        one.vendor.away(2 * DAY, "moves house")
        for sub in ("s1", "s2"):
            one.ask("stock.reserve", sub)
        await asyncio.sleep(DAY)
        assert one.heard == []
        await asyncio.sleep(DAY + 60)

    assert len(play(story).heard) == 2


@pytest.mark.parametrize(("fault", "character"), [("vendor_sleeps", "sleepy"), ("vendor_dies", "dead"), ("vendor_crashes", "forgetful")])
def test_who_was_away_has_done_each_thing_once(fault: str, character: str) -> None:
    async def story(one: Play) -> None:
        for number in range(20):
            await whole(one, f"s{number}")
        await asyncio.sleep(30 * DAY)

    one = play(story, character, seed=2, stock=1000, **{fault: 0.1})
    assert one.nature.struck[fault] > 5
    assert set(one.vendor.house.done.values()) == {1}
    assert len(one.vendor.house.shipped) >= 10, "the others' commands came all at once after its absence, so that ship overtook submit"


def test_a_command_that_kills_the_spoke_is_given_up_by_the_broker() -> None:
    async def story(one: Play) -> None:
        one.ask("stock.reserve", "s1")
        await asyncio.sleep(7200)
        assert one.vendor.online

    one = play(story, "forgetful", vendor_dies_of_it=1)
    assert one.heard == []
    assert one.broker.stored["ADV"] == 1


def test_a_busy_vendor_answers_later() -> None:
    async def story(one: Play) -> None:
        for number in range(20):
            one.ask("stock.reserve", f"s{number}")
        await asyncio.sleep(3600)

    one = play(story, "forgetful", vendor_busy=0.3)
    assert one.nature.struck["vendor_busy"] > 3
    assert len(one.heard) == 20


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("vendor_declines", ["orders.declined"]),
        ("vendor_declines_late", ["orders.pending", "orders.declined"]),
        ("vendor_ponders", ["orders.pending", "orders.accepted"]),
    ],
)
def test_answers_to_a_part_of_an_order(fault: str, kinds: list[str]) -> None:
    async def story(one: Play) -> None:
        one.ask("stock.reserve")
        one.ask("orders.submit")
        await asyncio.sleep(DAY)
        one.ask("orders.submit", attempt=2)
        await asyncio.sleep(60)

    one = play(story, "picky", **{fault: 1})
    told = one.answers("submit-s1")
    assert list(dict.fromkeys(told)) == kinds
    assert told[-1] == kinds[-1]
    assert one.vendor.house.free == {"tea": 3 if kinds[-1] == "orders.accepted" else 5}


def test_a_refusal() -> None:
    async def story(one: Play) -> None:
        one.ask("stock.reserve")
        await asyncio.sleep(60)

    assert play(story, "picky", vendor_refuses=1).answers("reserve-s1") == ["stock.refused"]


@pytest.mark.parametrize(
    ("fault", "character"),
    [("vendor_babbles", "liar"), ("vendor_mistakes", "liar"), ("vendor_contradicts", "liar"), ("vendor_echoes", "prompt")],
)
def test_lies_change_nothing_in_the_house(fault: str, character: str) -> None:
    one = play(whole, character, **{fault: 1})
    assert one.vendor.house.shipped == {"s1": {"tea": 2}}
    assert one.nature.struck[fault] >= 3
    assert len(one.heard) > len(play(whole, character).heard)
    assert list(one.vendor.lied) == (["s1"] if fault == "vendor_contradicts" else [])
    if fault == "vendor_contradicts":
        assert {"orders.accepted", "orders.declined"} <= set(one.answers("submit-s1"))


def test_a_command_given_up_is_told() -> None:
    async def story(one: Play) -> None:
        one.ask("stock.reserve")
        one.ask("stock.reserve", "s2", items=[])
        one.ask("stock.reserve", "s3", items="nonsense")
        await asyncio.sleep(60)

    one = play(story, "forgetful", vendor_gives_up=1)
    assert [kind for _, kind in one.heard] == ["spoke.dead"] * 3


def test_facts_survive_a_broker_that_is_away() -> None:
    async def story(one: Play) -> None:
        one.ask("orders.submit")
        await asyncio.sleep(60)
        one.ask("shipping.ship")
        await asyncio.sleep(60)
        one.broker.down = True
        await asyncio.sleep(10 * DAY)
        one.broker.down = False
        await asyncio.sleep(600)

    assert play(story, "picky").answers("ship-s1") == ["shipping.pending", "shipping.shipped", "shipping.delivered"]


def test_an_answer_that_the_broker_lost_is_told_again() -> None:
    async def story(one: Play) -> None:
        one.ask("stock.reserve")
        await asyncio.sleep(10)
        one.broker.restore(20)
        one.ask("stock.reserve", attempt=2)
        await asyncio.sleep(60)

    one = play(story)
    assert set(one.answers("reserve-s1")) == {"stock.reserved"}
    assert len(one.answers("reserve-s1")) > 1
    assert one.vendor.house.done == {"reserve-s1": 1}


def test_every_character_and_every_fault_in_one_story_by_seed() -> None:
    struck: dict[str, int] = {}

    async def story(one: Play) -> None:
        for number in range(30):
            await whole(one, f"s{number}")
        await asyncio.sleep(10 * DAY)

    rates = dict.fromkeys(FAULTS, 0.1)
    for name in CHARACTERS:
        first, again = (play(story, name, seed=1, stock=1000, **rates) for _ in range(2))
        assert first.nature.story == again.nature.story
        assert first.heard == again.heard
        assert set(first.vendor.house.done.values()) == {1}
        struck |= first.nature.struck
    assert set(struck) == set(FAULTS)
    assert {character_for(Nature(seed, {}), "acme").name for seed in range(100)} == set(CHARACTERS)


def test_every_answer_is_one_that_the_hub_knows() -> None:
    one = play(whole, "slow", vendor_ponders=1)
    known = {kind for kinds in ANSWERS.values() for kind in kinds}
    assert {kind for _, kind in one.heard} <= known
    assert one.bodies
