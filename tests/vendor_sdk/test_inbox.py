"""A spoke's memory: what the hub asks anew is told anew, also what is on its way at that moment."""

import time
from pathlib import Path

from msgspec.structs import replace

from tests.vendor_sdk import orders
from vendor_sdk import messages
from vendor_sdk.envelope import Command, Event
from vendor_sdk.inbox import Fact, Inbox
from vendor_sdk.messages import Delivered, Pending

COMMAND = Command(id="c", kind="shipping.ship", body=orders.ship("sub-1"))
ANSWER = Event(id="c.pending", command_id="c", kind="shipping.pending", body=messages.encode(Pending(sub_order_id="sub-1")))
FACT = Event(id="c.delivered", command_id="c", kind="shipping.delivered", body=messages.encode(Delivered(sub_order_id="sub-1")))


async def test_a_fact_on_its_way_while_it_is_asked_for_anew_is_told_again(tmp_path: Path) -> None:
    inbox = await Inbox.open("acme", tmp_path / "f")
    now = time.time()
    await inbox.record(COMMAND, ANSWER, [Fact(event=FACT, due_at=now)], None)
    on_the_way = await inbox.due(now, 9)
    await inbox.look(replace(COMMAND, attempt=2))
    await inbox.sent(on_the_way)
    again = await inbox.due(now, 9)
    assert [(event.id, event.attempt) for event in again] == [("c.delivered", 2)]
    await inbox.sent(again)
    assert await inbox.due(now, 9) == []
    await inbox.close()
