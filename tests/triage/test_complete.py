"""Triage misses nothing: each way to fail leaves exactly one letter, however often and by whom it is told."""

import msgspec
import pytest

from hub.runtime.steps import Step
from hub.worker.deadlines import sweep
from hub.worker.listen import take_advisory, take_event
from tests.shop import now
from tests.triage.spokes import Spokes
from vendor_sdk import dead_letter, messages, subjects
from vendor_sdk.messages import Accepted


class Told:
    """A message as the broker hands it over."""

    def __init__(self, subject: str, data: bytes, headers: dict[str, str], delivered: int = 1) -> None:
        self.subject, self.data, self.headers = subject, data, headers
        self.num_delivered = delivered
        self.timestamp = now()
        self.acked = False

    @property
    def metadata(self) -> "Told":
        return self

    async def ack(self) -> None:
        self.acked = True


async def one_letter(spokes: Spokes, **has: object) -> None:
    (letter,) = await spokes.letters()
    assert {name: getattr(letter, name) for name in has} == has


def death(step: Step) -> Told:
    body = dead_letter.build(step.kind, "failed", "garbage", attempts=1, payload=b"{}")
    headers = {messages.COMMAND_ID: step.id, messages.EVENT_ID: f"{step.id}.dead", messages.ATTEMPT: str(step.attempt)}
    return Told(subjects.event(step.target, "spoke.dead"), messages.encode(body), headers)


async def test_the_spokes_own_copy_told_three_times_and_then_the_deadline(spokes: Spokes) -> None:
    await spokes.order()
    (step,) = await spokes.asked()
    for _ in range(3):
        told = death(step)
        await take_event(spokes.shop.wiring, "acme", told)
        assert told.acked
    await spokes.shop.sql("UPDATE steps SET deadline = now() WHERE state = 'open' AND target = 'acme'")
    await sweep(spokes.shop.wiring)
    await sweep(spokes.shop.wiring)
    await one_letter(spokes, source="step", step_id=step.id, times=1, reason="failed")


async def test_the_deadline_alone_and_the_spokes_copy_after_it(spokes: Spokes) -> None:
    await spokes.order()
    (step,) = await spokes.asked()
    await spokes.shop.sql("UPDATE steps SET deadline = now() WHERE state = 'open' AND target = 'acme'")
    await sweep(spokes.shop.wiring)
    await take_event(spokes.shop.wiring, "acme", death(step))
    await one_letter(spokes, source="step", step_id=step.id, times=1, reason="deadline")


@pytest.mark.parametrize("first", ["spoke", "broker"])
async def test_a_command_that_kills_told_by_spoke_and_broker(spokes: Spokes, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await spokes.order()
    (step,) = await spokes.asked()
    lost = Told("", b"", {messages.COMMAND_ID: step.id, messages.ATTEMPT: str(step.attempt)})

    class Stored:
        """What the broker has kept of a stream: it is not ours, and here it is one message."""

        async def get_msg(self, *_: object, **__: object) -> Told:
            return lost

    monkeypatch.setattr(type(spokes.shop.wiring.bus), "js", property(lambda _: Stored()))
    body = msgspec.json.encode({"stream": "CMD_acme", "stream_seq": 1, "deliveries": 5})
    advisory = Told("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.CMD_acme.spoke-orders", body, {})
    tellings = [take_event(spokes.shop.wiring, "acme", death(step)), take_advisory(spokes.shop.wiring, advisory)]
    for telling in tellings if first == "spoke" else reversed(tellings):
        await telling
    await take_advisory(spokes.shop.wiring, advisory)
    await one_letter(spokes, source="step", step_id=step.id, times=1, reason="failed" if first == "spoke" else "max_deliveries")


@pytest.mark.parametrize(
    ("subject", "body", "reason"),
    [
        ("evt.acme.orders.accepted", b"{", "malformed"),
        ("evt.acme.orders.accepted", b"\xff\xfe", "malformed"),
        ("evt.acme.orders.nonsense", b"{}", "malformed"),
        ("evt.acme.orders.accepted", messages.encode(Accepted(sub_order_id="sub_of_nobody")), "foreign"),
    ],
)
async def test_what_cannot_be_an_answer(spokes: Spokes, subject: str, body: bytes, reason: str) -> None:
    headers = {messages.EVENT_ID: "e1", messages.COMMAND_ID: "cmd_of_nobody", messages.MSG_ID: "m1"}
    for _ in range(3):
        await take_event(spokes.shop.wiring, "acme", Told(subject, body, headers))
    await one_letter(spokes, source="event", target="acme", reason=reason, times=1)


async def test_money_that_is_asked_for_again_and_again(spokes: Spokes) -> None:
    await spokes.shop.place(("acme", "mug", 2000, 1))
    await spokes.shop.sql("UPDATE steps SET attempt = 50, deadline = NULL, due_at = now() WHERE kind = 'payment.authorize'")
    for _ in range(3):
        await sweep(spokes.shop.wiring)
        await spokes.shop.sql("UPDATE steps SET attempt = attempt + 1, due_at = now() WHERE kind = 'payment.authorize'")
    await one_letter(spokes, source="step", kind="payment.authorize", times=1)


async def test_a_refusal_is_no_failure(spokes: Spokes) -> None:
    await spokes.order()
    (step,) = await spokes.asked()
    body = messages.Declined(sub_order_id=step.subject_id, reason="no_thanks")
    await spokes.tell(step, "orders.declined", body)
    assert await spokes.letters() == []
