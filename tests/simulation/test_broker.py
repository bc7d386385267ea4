"""The simulated broker keeps, delivers and gives up as JetStream does."""

import asyncio
from typing import Any

import msgspec
import pytest
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from hub.kernel.errors import Unavailable
from hub.runtime import topology
from hub.runtime.changes import Changes
from hub.runtime.database import Tx
from hub.simulation.broker import SimulatedBus
from hub.simulation.process import Crashed, Process
from hub.simulation.streams import Delivery
from hub.worker.dispatch import STREAM_FULL
from tests.simulation.broker_play import Hub, play


def test_what_nobody_pulls_waits_and_what_is_acknowledged_is_gone() -> None:
    async def story(hub: Hub) -> None:
        await hub.command("one")
        await asyncio.sleep(3600)
        hub.spoke()
        await asyncio.sleep(3600)

    hub = play(story)
    assert [(name, number) for _, name, number in hub.heard] == [("one", 1)]
    assert not hub.broker.streams["CMD_acme"].messages


def test_a_known_id_is_a_duplicate_for_two_minutes() -> None:
    async def story(hub: Hub) -> None:
        hub.spoke()
        assert [(await hub.command("one")).duplicate for _ in range(2)] == [None, True]
        await asyncio.sleep(121)
        assert (await hub.command("one")).duplicate is None
        await asyncio.sleep(1)

    assert len(play(story).heard) == 2


def test_unacknowledged_commands_come_again_by_the_backoff_until_the_broker_gives_up() -> None:
    advisories: list[dict[str, Any]] = []

    async def story(hub: Hub) -> None:
        async def advised(delivery: Delivery) -> None:
            assert "MAX_DELIVERIES" in delivery.subject
            advisories.append(msgspec.json.decode(delivery.data))
            lost = await hub.bus.js.get_msg("CMD_acme", seq=advisories[-1]["stream_seq"], direct=True)
            assert lost.headers == {"Nats-Msg-Id": "one", "Mk-Cmd-Id": "one"}
            await delivery.ack()

        hub.broker.consume("ADV", hub.process, advised)
        hub.spoke(accepting=False)
        await hub.command("one")
        await asyncio.sleep(7200)
        with pytest.raises(NotFoundError):
            await hub.bus.js.get_msg("CMD_acme", seq=99, direct=True)

    hub = play(story)
    gaps = [round(later[0] - earlier[0]) for earlier, later in zip(hub.heard, hub.heard[1:], strict=False)]
    assert gaps == [30, 60, 120, 300, 300]
    assert [(each["stream"], each["consumer"], each["deliveries"]) for each in advisories] == [("CMD_acme", "spoke-stock", 6)]


def test_no_more_is_out_than_a_consumer_may_have_unacknowledged() -> None:
    most = topology.consumers("acme")[0][1].max_ack_pending or 0

    async def story(hub: Hub) -> None:
        held: list[Delivery] = []
        hub.broker.serve("acme", held.append)
        for number in range(most + 5):
            await hub.command(f"number {number}")
        await asyncio.sleep(1)
        assert len(held) == most > 0
        for delivery in held[:3]:
            delivery.accept()
        await asyncio.sleep(1)
        assert [delivery.headers["Nats-Msg-Id"] for delivery in held[most:]] == [f"number {most + more}" for more in range(3)]

    play(story)


def test_nobody_is_told_of_what_is_given_up_while_nobody_pulls() -> None:
    async def story(hub: Hub) -> None:
        hub.spoke(accepting=False)
        await hub.command("one")
        await asyncio.sleep(30 + 60 + 120 + 300 + 300 + 10)
        hub.broker.absent("acme")
        await asyncio.sleep(7200)
        assert not hub.broker.stored["ADV"]
        hub.spoke()
        await asyncio.sleep(1)

    assert play(story).broker.stored["ADV"] == 1


def test_a_full_stream_says_so_as_the_dispatcher_knows_it() -> None:
    async def story(hub: Hub) -> None:
        hub.broker.streams["CMD_acme"].most = 2
        await hub.command("one")
        await hub.command("two")
        with pytest.raises(APIError) as refused:
            await hub.command("three")
        assert refused.value.err_code in STREAM_FULL

    play(story)


def test_an_event_goes_to_one_worker_and_to_another_when_that_one_dies() -> None:
    async def story(hub: Hub) -> None:
        first, second = hub.process, Process(hub.nature, "worker-2")
        hub.worker(first, failing=1)
        assert hub.event("one")
        await asyncio.sleep(0.5)
        first.kill("the test")
        hub.worker(second)
        await asyncio.sleep(100)

    assert play(story).heard == [(0.0, "worker-1 one", 1), (1.0, "worker-2 one", 2)]


def test_who_dies_with_an_event_in_hand_has_not_heard_it() -> None:
    async def story(hub: Hub) -> None:
        async def endless(_: Delivery) -> None:
            await asyncio.sleep(10**6)

        hub.broker.consume("EVT_acme", hub.process, endless)
        hub.event("one")
        await asyncio.sleep(10)
        hub.process.kill("the test")
        hub.worker(Process(hub.nature, "worker-2"))
        await asyncio.sleep(100)

    assert play(story).heard == [(30.0, "worker-2 one", 2)]


def test_many_workers_share_the_events() -> None:
    async def story(hub: Hub) -> None:
        for name in ("a", "b"):
            hub.worker(Process(hub.nature, name))
        for number in range(100):
            hub.event(str(number))
        await asyncio.sleep(1)

    heard = [name for _, name, _ in play(story).heard]
    assert len({name.split()[1] for name in heard}) == len(heard) == 100
    assert 30 < sum(name.startswith("a") for name in heard) < 70


def test_a_publisher_that_dies_has_published_or_not() -> None:
    async def story(hub: Hub) -> None:
        try:
            await hub.command("one")
        except Crashed:
            died.append(hub.broker.stored["CMD_acme"])

    died: list[int] = []
    for seed in range(20):
        play(story, seed=seed, crash=0.6)
    assert set(died) == {0, 1}


def test_hints_wake_the_other_processes_and_may_be_lost() -> None:
    async def story(hub: Hub) -> None:
        other = Process(hub.nature, "api")
        bus = SimulatedBus(hub.broker, other)
        with pytest.raises(Unavailable):
            bus.nc  # noqa: B018  # asking for it is the point
        changes, idle = Changes(bus), Changes(bus)
        bus.on_connect += [changes.listen, idle.listen]
        changes.heed_wakes()
        await bus.start()
        await asyncio.sleep(0)
        waits = asyncio.create_task(changes.wait("ord_1", seconds=100))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        told = Changes(hub.bus)
        tx = Tx.__new__(Tx)
        tx.changed, tx.woken = {"ord_1"}, True
        told.tell(tx)
        await waits
        took.append(asyncio.get_running_loop().time())
        assert changes.due.is_set() is (took[-1] < 1)
        assert not idle.due.is_set(), "who acts on no steps is not woken"

    took: list[float] = []
    play(story)
    play(story, broker_loses_hint=1)
    assert took == [pytest.approx(0.001), pytest.approx(100)]


def test_a_stream_of_no_vendor_is_no_stream() -> None:
    async def story(hub: Hub) -> None:
        for subject in ("cmd.nobody.stock.reserve", "something.else"):
            with pytest.raises(NoStreamResponseError):
                await hub.bus.js.publish(subject, b"")
        await hub.bus.js.add_stream(StreamConfig(name="CMD_nobody"))
        await hub.bus.js.publish("cmd.nobody.stock.reserve", b"")

    play(story)
