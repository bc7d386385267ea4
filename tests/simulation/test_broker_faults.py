"""The simulated broker loses, repeats, delays and forgets, by seed."""

import asyncio

import pytest
from nats.errors import TimeoutError as NatsTimeout
from nats.js.errors import NoStreamResponseError

from hub.runtime import topology
from hub.simulation.broker import FAULTS
from hub.simulation.process import Process
from hub.simulation.streams import Delivery
from tests.simulation.broker_play import Hub, play


@pytest.mark.parametrize(("fault", "stored"), [("broker_loses", 0), ("broker_loses_answer", 1)])
def test_a_publisher_in_doubt_waits_three_seconds(fault: str, stored: int) -> None:
    async def story(hub: Hub) -> None:
        with pytest.raises(NatsTimeout):
            await hub.command("one")
        assert asyncio.get_running_loop().time() == pytest.approx(3, abs=0.01)
        assert hub.broker.stored["CMD_acme"] == stored
        assert hub.nature.struck[fault] == 1

    play(story, **{fault: 1})


def test_a_slow_broker_may_store_what_nobody_waits_for() -> None:
    outcomes: dict[str, int] = {"in time": 0, "too late": 0}

    async def story(hub: Hub) -> None:
        try:
            await hub.command("one")
            outcomes["in time"] += 1
        except NatsTimeout:
            outcomes["too late"] += 1
            assert hub.broker.stored["CMD_acme"] == 0
        await asyncio.sleep(60)
        assert hub.broker.stored["CMD_acme"] == 1

    for seed in range(20):
        play(story, seed=seed, broker_slow=1)
    assert min(outcomes.values()) > 2


def _numbers(**rates: float) -> tuple[Hub, list[str]]:
    async def story(hub: Hub) -> None:
        hub.spoke()
        for number in range(200):
            await hub.command(f"{number:03}")
        await asyncio.sleep(3600)

    hub = play(story, seed=1, **rates)
    assert not hub.broker.streams["CMD_acme"].messages, "all came through"
    return hub, [name for _, name, _ in hub.heard]


def test_without_faults_all_come_once_and_in_order() -> None:
    _, heard = _numbers()
    assert heard == [f"{number:03}" for number in range(200)]


def test_repeated_messages() -> None:
    hub, heard = _numbers(broker_repeats=0.1)
    assert len(heard) == 200 + hub.nature.struck["broker_repeats"] > 200


def test_lost_acknowledgments() -> None:
    hub, heard = _numbers(broker_loses_ack=0.1)
    assert len(heard) == 200 + hub.nature.struck["broker_loses_ack"] > 200


def test_lost_deliveries() -> None:
    hub, heard = _numbers(broker_loses_delivery=0.1)
    assert sorted(set(heard)) == sorted(heard)
    assert any(number > 1 for _, _, number in hub.heard)
    assert hub.nature.struck["broker_loses_delivery"] > 5


@pytest.mark.parametrize("fault", ["broker_reorders", "broker_delays"])
def test_overtaken_messages(fault: str) -> None:
    _, heard = _numbers(**{fault: 0.1})
    assert heard != sorted(heard)
    assert len(set(heard)) == 200


def test_an_outage() -> None:
    async def story(hub: Hub) -> None:
        hub.spoke(accepting=False)
        await hub.command("before")
        hub.broker.down = True
        assert hub.bus.is_connected, "nobody knows yet"
        with pytest.raises(NatsTimeout):
            await hub.command("during")
        assert not hub.bus.is_connected
        assert not await hub.bus.alive()
        assert not hub.event("from the vendor")
        await asyncio.sleep(3600)
        hub.broker.down = False
        assert not hub.bus.is_connected, "nobody knows yet"
        await asyncio.sleep(5)
        assert hub.bus.is_connected

    hub = play(story)
    assert [(name, number) for _, name, number in hub.heard] == [("before", 2)], "it was on its way when the broker went down"
    assert (hub.nature.struck["broker_down"], hub.nature.struck["broker_up"]) == (1, 1)


def test_what_is_buffered_in_an_outage_dies_with_its_process() -> None:
    for dies, stored in ((False, 1), (True, 0)):

        async def story(hub: Hub, *, dies: bool = dies) -> None:
            hub.broker.down = True
            with pytest.raises(NatsTimeout):
                await hub.command("during")
            if dies:
                hub.process.kill("the test")
            hub.broker.down = False

        assert play(story, broker_buffers=1).broker.stored["CMD_acme"] == stored


def test_a_wiped_broker_is_made_whole_by_the_hubs_own_code() -> None:
    gone: list[str] = []

    async def story(hub: Hub) -> None:
        async def handler(_: Delivery) -> None:
            raise AssertionError

        hub.broker.consume("EVT_acme", hub.process, handler, gone.append)
        hub.spoke()
        hub.broker.wipe()
        with pytest.raises(NoStreamResponseError):
            await hub.command("one")
        assert not hub.event("one")
        await asyncio.sleep(10)
        await asyncio.gather(*(topology.ensure_vendor(hub.bus.js, "acme") for _ in range(2)))
        await hub.command("one.2")
        await asyncio.sleep(1)

    hub = play(story)
    assert set(gone) == {"EVT_acme"}
    assert [name for _, name, _ in hub.heard] == ["one.2"]


def test_who_pulls_hears_of_a_stream_that_stands_without_a_consumer() -> None:
    """Its maker died in between."""
    gone: list[str] = []

    async def story(hub: Hub) -> None:
        async def handler(delivery: Delivery) -> None:
            hub.hear(delivery)
            await delivery.ack()

        def make(_: str) -> None:
            gone.append(who.name)
            if len(gone) > 4:
                hub.process.start(topology.ensure_vendor(hub.bus.js, "acme"))

        hub.broker.consume("EVT_acme", hub.process, handler, make)
        hub.broker.wipe()
        for config in topology.streams("acme"):
            hub.broker.add_stream(config)
        who = Process(hub.nature, "worker-2")
        hub.broker.consume("EVT_acme", who, handler, make)
        assert hub.event("one")
        await asyncio.sleep(100)

    hub = play(story)
    assert len(gone) > 4
    assert [name for _, name, _ in hub.heard] == ["one"]


def test_an_older_copy_loses_what_came_since_and_brings_back_what_was_done() -> None:
    async def story(hub: Hub) -> None:
        await hub.command("old")
        await asyncio.sleep(100)
        hub.spoke()
        await asyncio.sleep(1)
        assert (await hub.command("new")).seq == 2
        hub.broker.absent("acme")
        assert (await hub.command("unheard")).seq == 3
        hub.broker.restore(50)
        hub.spoke()
        assert (await hub.command("newer")).seq == 2, "its place is used again"
        assert (await hub.command("new")).duplicate is None, "its id is forgotten"
        await asyncio.sleep(1)

    assert [name for _, name, _ in play(story).heard] == ["old", "old", "newer", "new"]


def test_a_seed_tells_one_story() -> None:
    async def story(hub: Hub) -> None:
        hub.spoke()
        hub.worker(hub.process)
        for number in range(100):
            try:
                await hub.command(str(number))
            except NatsTimeout:
                hub.nature.tell("in vain")
            hub.event(str(number))
        await asyncio.sleep(3600)

    rates = dict.fromkeys(FAULTS, 0.05)
    first, again, other = (play(story, seed=seed, **rates) for seed in (7, 7, 8))
    assert first.nature.story == again.nature.story != other.nature.story
    assert first.heard == again.heard
    assert set(first.nature.struck) >= set(FAULTS) - {"broker_buffers", "broker_loses_hint"}
