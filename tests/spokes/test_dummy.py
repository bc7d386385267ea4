"""The dummy vendor by itself: its stock, its idempotency keys, its memory, and its faults."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import pytest_asyncio

from spokes.dummy.adapter import Dummy
from spokes.dummy.switches import Fault, Switches
from tests.vendor_sdk import orders
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry, Unsupported
from vendor_sdk.messages import (
    Accepted,
    Authorize,
    Authorized,
    Cancel,
    Canceled,
    Declined,
    Delivered,
    Inspect,
    Inspected,
    Item,
    Kept,
    Message,
    Pending,
    Recalled,
    Received,
    Refused,
    Reserve,
    Reserved,
    Restock,
    Restocked,
    ReturnItem,
    Shipped,
)
from vendor_sdk.ports import Context


class Told:
    """Facts as the adapter tells them, kept."""

    def __init__(self) -> None:
        self.facts: dict[str, tuple[Message, float]] = {}

    async def tell(self, kind: str, message: Message, *, command_id: str, after: float = 0.0) -> None:
        self.facts[f"{command_id} {kind}"] = (message, after)

    async def withdraw(self, kind: str, *, command_id: str) -> bool:
        return self.facts.pop(f"{command_id} {kind}", None) is not None


Open = Callable[..., Awaitable[Dummy]]


@pytest_asyncio.fixture
async def open_dummy(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the dummy of a vendor on one file, with these switches."""
    opened: list[Dummy] = []

    async def open_dummy(switches: dict[str, Any] | None = None, vendor: str = "acme") -> Dummy:
        dummy = Dummy(vendor, msgspec.convert(switches or {}, Switches), Told(), tmp_path)
        await dummy.open()
        opened.append(dummy)
        return dummy

    yield open_dummy
    for dummy in opened:
        await dummy.close()


def effects(tmp_path: Path) -> list[str]:
    db = sqlite3.connect(tmp_path / "dummy.sqlite")
    try:
        return [row[0] for row in db.execute("SELECT command_id FROM effects ORDER BY id")]
    finally:
        db.close()


def key(command_id: str) -> Context:
    return Context(command_id=command_id)


async def test_stock_is_held_given_back_and_never_oversold(open_dummy: Open) -> None:
    dummy = await open_dummy({"stock": {"mug": 5}})
    results = await asyncio.gather(*(dummy.reserve(orders.reserve(f"s{n}"), key(f"r{n}")) for n in range(4)))
    assert sum(isinstance(result, Reserved) for result in results) == 2
    held = next(n for n, result in enumerate(results) if isinstance(result, Reserved))
    await dummy.release(orders.release(f"s{held}", f"r{held}"), key("l"))
    assert isinstance(await dummy.reserve(orders.reserve("s9"), key("r9")), Reserved)
    assert isinstance(await dummy.reserve(orders.reserve("s10", quantity=2), key("r10")), Refused)
    assert isinstance(await dummy.reserve(orders.reserve("s11", sku="unlimited", quantity=9999), key("r11")), Reserved)


async def test_what_came_back_is_counted_once_and_for_sale_again(open_dummy: Open) -> None:
    dummy = await open_dummy({"stock": {"mug": 2}})
    await dummy.submit(orders.submit("s1", quantity=2), key("o1"))
    await dummy.ship(orders.ship("s1"), key("h1"))
    again = Restock(sub_order_id="s1", return_id="ret_1", items=[Item(sku="mug", quantity=1)])
    for _ in range(2):
        assert isinstance(await dummy.restock(again, key("k1")), Restocked)
    assert isinstance(await dummy.reserve(orders.reserve("s2", quantity=2), key("r2")), Refused)
    assert isinstance(await dummy.reserve(orders.reserve("s3", quantity=1), key("r3")), Reserved)


async def test_a_return_is_expected_once_received_in_time_and_called_off(open_dummy: Open) -> None:
    dummy = await open_dummy({"return_after": 0.05, "damaged": {"mug": 1}})
    items = [ReturnItem(sku="mug", quantity=2, reason="damaged")]
    wish = Authorize(sub_order_id="s1", return_id="ret_1", items=items, pays_shipping="vendor", answer_by=orders.later())
    look = Inspect(sub_order_id="s1", return_id="ret_1", items=items, answer_by=orders.later())
    first, second = await dummy.authorize(wish, key("a1")), await dummy.authorize(wish, key("a1"))
    assert first == second
    assert isinstance(first, Authorized)
    assert isinstance(await dummy.inspect(look, key("i1")), Pending)
    told = cast("Told", dummy.facts).facts
    assert list(told) == ["a1 returns.received"]
    await asyncio.sleep(0.06)
    received = await dummy.inspect(look, key("i1"))
    assert received == told["a1 returns.received"][0]
    assert received == Received(sub_order_id="s1", items=[Inspected(sku="mug", good=1, damaged=1)])
    off = Cancel(sub_order_id="s1", return_id="ret_1", authorize_command_id="a1", reason="expired")
    for _ in range(2):
        assert isinstance(await dummy.cancel(off, key("c1")), Canceled)
    assert told == {}
    assert isinstance(await dummy.inspect(look, key("i1")), Pending)


async def test_all_items_or_none(open_dummy: Open) -> None:
    dummy = await open_dummy({"stock": {"mug": 5, "cup": 1}})
    items = [Item(sku="mug", quantity=5), Item(sku="cup", quantity=1), Item(sku="cup", quantity=1)]
    assert isinstance(await dummy.reserve(Reserve(sub_order_id="s1", items=items, expires_at=orders.later()), key("r1")), Refused)
    assert isinstance(await dummy.reserve(orders.reserve("s2", quantity=5), key("r2")), Reserved)


async def test_an_expired_reservation_is_free_again_and_an_ordered_one_never(open_dummy: Open) -> None:
    dummy = await open_dummy({"stock": {"mug": 2}})
    short = Reserve(sub_order_id="s1", items=[Item(sku="mug", quantity=2)], expires_at=orders.later(0.05))
    await dummy.reserve(short, key("r1"))
    await asyncio.sleep(0.1)
    assert isinstance(await dummy.reserve(orders.reserve("s2"), key("r2")), Reserved)
    assert isinstance(await dummy.submit(orders.submit("s1"), key("s1")), Declined)
    assert isinstance(await dummy.submit(orders.submit("s2"), key("s2")), Accepted)
    await dummy.release(orders.release("s2", "r2"), key("l2"))
    assert isinstance(await dummy.reserve(orders.reserve("s3", quantity=1), key("r3")), Refused)


async def test_one_key_is_one_effect(open_dummy: Open, tmp_path: Path) -> None:
    dummy = await open_dummy()
    for _ in range(3):
        assert isinstance(await dummy.reserve(orders.reserve("s1"), key("r1")), Reserved)
        assert isinstance(await dummy.submit(orders.submit("s1"), key("s1")), Accepted)
        assert isinstance(await dummy.ship(orders.ship("s1"), key("h1")), Shipped)
    assert effects(tmp_path) == ["r1", "s1", "h1"]


async def test_a_forgetful_system_shows_what_is_done_twice(open_dummy: Open, tmp_path: Path) -> None:
    dummy = await open_dummy({"forgetful": True})
    for _ in range(2):
        await dummy.reserve(orders.reserve("s1"), key("r1"))
    assert effects(tmp_path) == ["r1", "r1"]


async def test_everything_is_remembered_when_it_opens_again(open_dummy: Open, tmp_path: Path) -> None:
    first = await open_dummy({"stock": {"mug": 2}, "faults": [{"do": "retry", "times": 1, "on": "orders.submit"}]})
    await first.reserve(orders.reserve("s1"), key("r1"))
    with pytest.raises(Retry):
        await first.submit(orders.submit("s1"), key("s1"))
    second = await open_dummy({"stock": {"mug": 2}, "faults": [{"do": "retry", "times": 1, "on": "orders.submit"}]})
    assert isinstance(await second.reserve(orders.reserve("s2"), key("r2")), Refused)
    assert isinstance(await second.submit(orders.submit("s1"), key("s1")), Accepted)
    assert effects(tmp_path) == ["r1", "s1"]


async def test_vendors_share_a_file_and_nothing_else(open_dummy: Open) -> None:
    acme, bolt = await open_dummy({"stock": {"mug": 2}}), await open_dummy({"stock": {"mug": 2}}, vendor="bolt")
    assert isinstance(await acme.reserve(orders.reserve("s1"), key("r1")), Reserved)
    assert isinstance(await bolt.reserve(orders.reserve("s1"), key("r1")), Reserved)


async def test_papers_are_the_same_told_or_asked_again(open_dummy: Open) -> None:
    dummy = await open_dummy({"ship_after": 0.05, "papers": "https://dummy.example"})
    assert isinstance(await dummy.ship(orders.ship("s1"), key("h1")), Pending)
    await asyncio.sleep(0.06)
    left = await dummy.ship(orders.ship("s1"), key("h1"))
    assert left == cast("Told", dummy.facts).facts["h1 shipping.shipped"][0]
    assert isinstance(left, Shipped)
    assert [paper.url for paper in left.documents] == ["https://dummy.example/s1/label.pdf", "https://dummy.example/s1/invoice.pdf"]
    wish = Authorize(sub_order_id="s1", return_id="ret_1", items=[], pays_shipping="vendor", answer_by=orders.later())
    back = await dummy.authorize(wish, key("a1"))
    assert isinstance(back, Authorized)
    assert [(paper.kind, paper.url) for paper in back.documents] == [("return_label", "https://dummy.example/ret_1/return_label.pdf")]


async def test_pending_comes_true_when_asked_again_and_is_told(open_dummy: Open) -> None:
    dummy = await open_dummy({"accept_after": 0.1, "ship_after": 0.1, "deliver_after": 0.1})
    assert isinstance(await dummy.submit(orders.submit("s1"), key("s1")), Pending)
    assert isinstance(await dummy.ship(orders.ship("s1"), key("h1")), Pending)
    assert isinstance(await dummy.track(orders.track("s1"), key("t1")), Pending)
    told = dummy.facts
    assert isinstance(told, Told)
    assert {name: after for name, (_, after) in told.facts.items()} == {
        "s1 orders.accepted": 0.1,
        "h1 shipping.shipped": 0.1,
        "h1 shipping.delivered": 0.2,
    }
    await asyncio.sleep(0.25)
    assert isinstance(await dummy.submit(orders.submit("s1"), key("s1")), Accepted)
    assert isinstance(await dummy.ship(orders.ship("s1"), key("h1")), Shipped)
    assert isinstance(await dummy.track(orders.track("s1"), key("t1")), Delivered)


async def test_a_recall_stops_the_goods_unless_they_have_left(open_dummy: Open) -> None:
    dummy = await open_dummy({"stock": {"mug": 4}})
    for name in ("s1", "s2"):
        await dummy.submit(orders.submit(name), key(name))
    await dummy.ship(orders.ship("s1"), key("h1"))
    assert isinstance(await dummy.recall(orders.recall("s1", "s1"), key("c1")), Kept)
    assert isinstance(await dummy.recall(orders.recall("s2", "s2"), key("c2")), Recalled)
    assert isinstance(await dummy.recall(orders.recall("s2", "s2"), key("c2")), Recalled)
    assert isinstance(await dummy.submit(orders.submit("s3"), key("s3")), Accepted)
    with pytest.raises(Rejected):
        await dummy.ship(orders.ship("s2"), key("h2"))


@pytest.mark.parametrize(
    ("do", "error"),
    [
        ("retry", Retry),
        ("rejected", Rejected),
        ("refuse", Rejected),
        ("unsupported", Unsupported),
        ("misconfigured", Misconfigured),
        ("needs_reauth", NeedsReauth),
        ("bug", ZeroDivisionError),
    ],
)
async def test_it_fails_as_told_and_then_does_nothing(open_dummy: Open, tmp_path: Path, do: str, error: type[Exception]) -> None:
    dummy = await open_dummy({"faults": [{"do": do, "seconds": 3, "reason": "on_holiday"}]})
    with pytest.raises(error) as caught:
        await dummy.reserve(orders.reserve("s1"), key("r1"))
    if isinstance(caught.value, AdapterError):
        assert caught.value.retry_after == (3 if do == "retry" else None)
    assert effects(tmp_path) == []


async def test_silence_slowness_garbage_and_pending_forever(open_dummy: Open) -> None:
    async def ask(do: str, **switches: Any) -> object:
        dummy = await open_dummy({"faults": [{"do": do, **switches}]}, vendor=do)
        return await asyncio.wait_for(dummy.submit(orders.submit("s1"), key("s1")), 0.2)

    with pytest.raises(TimeoutError):
        await ask("silence")
    with pytest.raises(TimeoutError):
        await ask("slow", seconds=9)
    assert isinstance(await ask("slow", seconds=0.01), Accepted)
    assert not isinstance(await ask("garbage"), Message)
    assert isinstance(await ask("pend"), Pending)


async def test_a_fault_strikes_whom_and_how_often_it_should(open_dummy: Open) -> None:
    faults = [{"do": "retry", "sku": "cup"}, {"do": "unsupported", "on": "orders.submit", "times": 2, "each": True}]
    dummy = await open_dummy({"faults": faults})
    assert isinstance(await dummy.reserve(orders.reserve("s1"), key("r1")), Reserved)
    with pytest.raises(Retry):
        await dummy.reserve(orders.reserve("s1", sku="cup"), key("r2"))
    for name in ("a", "b"):
        for _ in range(2):
            with pytest.raises(Unsupported):
                await dummy.submit(orders.submit(name), key(name))
        assert isinstance(await dummy.submit(orders.submit(name), key(name)), Accepted)


def test_chance_is_the_same_each_time_it_is_asked() -> None:
    fault = msgspec.convert({"do": "retry", "probability": 0.25}, Fault)
    first = [fault.concerns("stock.reserve", f"c{n}", ()) for n in range(4000)]
    assert first == [fault.concerns("stock.reserve", f"c{n}", ()) for n in range(4000)]
    assert 850 < sum(first) < 1150
