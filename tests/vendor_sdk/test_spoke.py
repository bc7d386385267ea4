"""A spoke and a hub over a real broker: every command answered, each thing done once, nothing lost."""

import asyncio
import contextlib

import msgspec
import pytest
from nats.aio.msg import Msg

from tests.broker import sent
from tests.vendor_sdk import orders
from tests.vendor_sdk.conftest import RunSpoke
from tests.vendor_sdk.stand import Heard, Stand, until
from vendor_sdk import subjects
from vendor_sdk.messages import Declined, Delivered, Heartbeat, Kept, Pending, Recalled, Refused, Reserved, Shipped


async def test_every_command_is_answered(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"deliver_after": 0.2})
    sub = f"sub-{vendor}"
    await stand.command(vendor, orders.reserve(sub), f"{vendor}.r")
    reserved = await stand.event(f"{vendor}.r.reserved")
    assert isinstance(reserved.body, Reserved)
    assert reserved.body.sub_order_id == sub
    await stand.command(vendor, orders.submit(sub), f"{vendor}.s")
    assert (await stand.event(f"{vendor}.s.accepted")).kind == "orders.accepted"
    await stand.command(vendor, orders.ship(sub), f"{vendor}.h")
    shipped = (await stand.event(f"{vendor}.h.shipped")).body
    assert isinstance(shipped, Shipped)
    assert shipped.parcels[0].tracking_number
    assert isinstance((await stand.event(f"{vendor}.h.delivered")).body, Delivered)
    await stand.command(vendor, orders.track(sub), f"{vendor}.t")
    assert (await stand.event(f"{vendor}.t.delivered")).kind == "shipping.delivered"
    await stand.command(vendor, orders.recall(sub, f"{vendor}.s"), f"{vendor}.c")
    assert isinstance((await stand.event(f"{vendor}.c.kept")).body, Kept)
    await stand.command(vendor, orders.release("sub-other", "unknown"), f"{vendor}.l")
    assert (await stand.event(f"{vendor}.l.released")).kind == "stock.released"
    await stand.settled(vendor)
    assert [verb for _, verb in stand.effects(vendor)] == ["reserve", "submit", "ship"]


async def test_an_answer_carries_the_commands_headers(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    extra = {"Mk-Order-Id": "ord_1", "Mk-Correlation-Id": "req-7", "traceparent": trace}
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=3, headers=extra)
    heard = await stand.event(f"{vendor}.r.reserved")
    brokers_own = {"Nats-Request-Info"}
    assert {name: value for name, value in heard.headers.items() if name not in brokers_own} == {
        "Nats-Msg-Id": f"{vendor}.r.reserved.3",
        "Mk-Event-Id": f"{vendor}.r.reserved",
        "Mk-Cmd-Id": f"{vendor}.r",
        "Mk-Attempt": "3",
        "Mk-Schema": "1",
        "Mk-Order-Id": "ord_1",
        "Mk-Correlation-Id": "req-7",
        "traceparent": trace,
    }


async def test_a_command_asked_again_is_answered_again_and_done_once(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"forgetful": True})
    for attempt in (1, 2, 3):
        await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=attempt)
    for attempt in (1, 2, 3):
        await stand.event(f"{vendor}.r.reserved", attempt=attempt)
    assert stand.effects(vendor) == [(f"{vendor}.r", "reserve")]
    assert stand.calls(vendor, f"{vendor}.r") == 1


async def test_the_same_command_twice_at_once_is_done_once(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    config = {"forgetful": True, "faults": [{"do": "slow", "seconds": 0.4}]}
    await run_spoke(vendor, config)
    await asyncio.gather(*(stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=n) for n in (1, 2)))
    await stand.event(f"{vendor}.r.reserved", attempt=2)
    assert stand.effects(vendor) == [(f"{vendor}.r", "reserve")]


@pytest.mark.parametrize(("undo", "reason"), [("release", "released"), ("recall", "recalled")])
async def test_what_was_undone_before_it_came_is_refused(stand: Stand, vendor: str, run_spoke: RunSpoke, undo: str, reason: str) -> None:
    await run_spoke(vendor)
    late, body = f"{vendor}.late", orders.reserve("sub-1") if undo == "release" else orders.submit("sub-1")
    undoing = orders.release("sub-1", late) if undo == "release" else orders.recall("sub-1", late)
    await stand.command(vendor, undoing, f"{vendor}.u")
    await stand.event(f"{vendor}.u.{reason}")
    await stand.command(vendor, body, late)
    answer = (await stand.event(f"{late}.{'refused' if undo == 'release' else 'declined'}")).body
    assert isinstance(answer, Refused | Declined)
    assert answer.reason == reason
    assert stand.effects(vendor) == []
    assert stand.calls(vendor, late) == 0


async def test_a_release_cannot_overtake_its_reserve(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"stock": {"mug": 2}, "faults": [{"do": "slow", "on": "stock.reserve", "seconds": 0.4, "times": 1}]})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.command(vendor, orders.release("sub-1", f"{vendor}.r"), f"{vendor}.l")
    await stand.event(f"{vendor}.l.released")
    assert [verb for _, verb in stand.effects(vendor)] == ["reserve", "release"]
    await stand.command(vendor, orders.reserve("sub-2"), f"{vendor}.r2")
    assert (await stand.event(f"{vendor}.r2.reserved")).kind == "stock.reserved"


async def test_sold_out_is_an_answer(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"stock": {"mug": 3}})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r1")
    await stand.event(f"{vendor}.r1.reserved")
    await stand.command(vendor, orders.reserve("sub-2"), f"{vendor}.r2")
    refused = (await stand.event(f"{vendor}.r2.refused")).body
    assert isinstance(refused, Refused)
    assert refused.reason == "out_of_stock"


async def test_a_rejection_becomes_the_refusing_answer(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    fault = {"do": "rejected", "on": "orders.submit", "reason": "no_longer_sold", "detail": "gone"}
    await run_spoke(vendor, {"faults": [fault]})
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s")
    assert (await stand.event(f"{vendor}.s.declined")).body == Declined(sub_order_id="sub-1", reason="no_longer_sold", detail="gone")


async def test_pending_is_settled_by_a_fact(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"accept_after": 0.3})
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s", headers={"Mk-Order-Id": "ord_9"})
    assert isinstance((await stand.event(f"{vendor}.s.pending")).body, Pending)
    accepted = await stand.event(f"{vendor}.s.accepted")
    assert accepted.headers["Mk-Order-Id"] == "ord_9"
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s", attempt=2)
    assert (await stand.event(f"{vendor}.s.accepted", attempt=2)).kind == "orders.accepted"


async def test_pending_is_settled_by_asking_again(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"accept_after": 0.5, "push": False})
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s")
    await stand.event(f"{vendor}.s.pending")
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s", attempt=2)
    await stand.event(f"{vendor}.s.pending", attempt=2)
    await asyncio.sleep(0.5)
    assert stand.count(f"{vendor}.s.accepted") == 0
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s", attempt=3)
    await stand.event(f"{vendor}.s.accepted", attempt=3)
    assert stand.effects(vendor) == [(f"{vendor}.s", "submit")]


async def test_a_recalled_order_is_not_accepted_later(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"accept_after": 0.5})
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s")
    await stand.event(f"{vendor}.s.pending")
    await stand.command(vendor, orders.recall("sub-20", f"{vendor}.s"), f"{vendor}.c")
    assert isinstance((await stand.event(f"{vendor}.c.recalled")).body, Recalled)
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.s", attempt=2)
    declined = (await stand.event(f"{vendor}.s.declined", attempt=2)).body
    assert isinstance(declined, Declined)
    assert declined.reason == "recalled"
    await asyncio.sleep(0.6)
    assert stand.count(f"{vendor}.s.accepted") == 0


async def test_the_same_fact_told_twice_reaches_the_hub_once(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"faults": [{"do": "twice"}]})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.reserved")
    await asyncio.sleep(0.5)
    info = await stand.js.stream_info(subjects.event_stream(vendor))
    assert info.state.messages == 1


async def test_facts_told_are_told_again_when_the_hub_asks_again(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"deliver_after": 0.0})
    await stand.command(vendor, orders.ship("sub-1"), f"{vendor}.h")
    await stand.event(f"{vendor}.h.delivered", attempt=1)
    await stand.command(vendor, orders.ship("sub-1"), f"{vendor}.h", attempt=2)
    await stand.event(f"{vendor}.h.shipped", attempt=2)
    await stand.event(f"{vendor}.h.delivered", attempt=2)
    assert [verb for _, verb in stand.effects(vendor)] == ["ship"]


async def test_facts_survive_a_restart(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    first = await run_spoke(vendor, {"ship_after": 0.8, "deliver_after": 0.1})
    await stand.command(vendor, orders.ship("sub-1"), f"{vendor}.h")
    await stand.event(f"{vendor}.h.pending")
    await stand.settled(vendor)
    await first.stop()
    await asyncio.sleep(1.0)
    assert stand.count(f"{vendor}.h.shipped") == 0
    await run_spoke(vendor)
    await stand.event(f"{vendor}.h.shipped")
    await stand.event(f"{vendor}.h.delivered")


async def test_a_cancel_that_was_forgotten_does_not_keep_a_spoke_from_stopping(vendor: str, run_spoke: RunSpoke) -> None:
    """As `wait_for` of Python 3.11 forgets one that comes with the broker's answer: too rare a moment to wait for here."""

    async def forgetful() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    spoke = await run_spoke(vendor)
    spoke._tasks.append(asyncio.create_task(forgetful()))  # pyright: ignore[reportPrivateUsage] - stands for any of them
    await asyncio.wait_for(spoke.stop(), 20)


async def test_a_late_command_is_not_done_but_undoing_is_never_late(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", deadline=-1.0)
    await stand.command(vendor, orders.release("sub-1", f"{vendor}.r"), f"{vendor}.l", deadline=-1.0)
    await run_spoke(vendor)
    await stand.event(f"{vendor}.l.released")
    await stand.settled(vendor)
    assert stand.effects(vendor) == []
    assert not [h for h in stand.heard if h.headers.get("Mk-Cmd-Id") == f"{vendor}.r"]


async def test_a_late_command_that_was_done_is_still_answered(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.reserved", attempt=1)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=2, deadline=-1.0)
    await stand.event(f"{vendor}.r.reserved", attempt=2)


async def test_slow_work_stays_ours_beyond_the_brokers_patience(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    """The consumer would deliver again after 0.5 s; the spoke says that it is still at work."""
    config = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    impatient = config.config.evolve(backoff=None, ack_wait=0.5)
    await stand.js.add_consumer(subjects.command_stream(vendor), impatient)
    await run_spoke(vendor, {"forgetful": True, "faults": [{"do": "slow", "seconds": 1.5}]}, progress=0.2)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.reserved")
    await stand.settled(vendor)
    info = await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("stock"))
    assert info.delivered
    assert info.delivered.consumer_seq == 1


async def test_a_heartbeat_tells_how_well_it_is(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    beats: list[Heartbeat] = []

    async def note(msg: Msg) -> None:
        beats.append(msgspec.json.decode(msg.data, type=Heartbeat))

    await stand.hub.subscribe(subjects.heartbeat(vendor), cb=note)
    await sent(stand.hub)
    await run_spoke(vendor, {"faults": [{"do": "slow", "seconds": 1.0}]}, heartbeat=0.1)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await until(lambda: any(beat.in_flight for beat in beats))
    assert beats[-1].capabilities == ["stock", "orders", "shipping", "returns", "catalog"]
    assert beats[-1].breakers["stock"] == "closed"
    assert beats[-1].oldest_command_age >= 0


async def test_stopping_lets_the_work_end(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    spoke = await run_spoke(vendor, {"faults": [{"do": "slow", "seconds": 0.5}]})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await until(lambda: spoke.in_flight)
    await spoke.stop()
    heard: Heard = await stand.event(f"{vendor}.r.reserved")
    assert heard.kind == "stock.reserved"
    await stand.settled(vendor)
