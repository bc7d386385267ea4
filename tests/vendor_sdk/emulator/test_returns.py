"""Goods that come back: what an adapter is asked, what of its answers counts, what is refunded, and what survives a restart."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.vendor_sdk.emulator.test_serving import dummy, serving
from tests.vendor_sdk.stand import until
from vendor_sdk import messages
from vendor_sdk.client import AsyncClient
from vendor_sdk.client.errors import Conflict, Invalid
from vendor_sdk.emulator import catalog, course, refund
from vendor_sdk.emulator.emulator import Emulator, Setup
from vendor_sdk.emulator.faults import Dice, Fault
from vendor_sdk.emulator.hear import hear
from vendor_sdk.emulator.model import Book
from vendor_sdk.emulator.refund import Asked as Back
from vendor_sdk.emulator.refusals import Conflict as Refused
from vendor_sdk.emulator.returns import ask, rules
from vendor_sdk.emulator.returns.model import Asked, Reason, Return
from vendor_sdk.messages import Inspected, Item, Parcel
from vendor_sdk.settings import Loaded, Secrets, SpokeSettings

BACK = Parcel(carrier="post", tracking_number="B")
PATIENCE = 0.01


def takes_back(**says: Any) -> Loaded:
    settings = {"adapter": "tests.vendor_sdk.emulator.takes_back:TakesBack", "vendor": "acme", "config": says}
    return Loaded(settings=msgspec.convert(settings, SpokeSettings), secrets=Secrets())


class Stage:
    """An emulator, and what happens in it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @property
    def book(self) -> Book:
        return self.emulator.book

    async def bought(self, units: int = 3) -> str:
        """An order of mugs that has arrived."""
        part = self.emulator.change(lambda turn: course.place(turn, [Item(sku="mug", quantity=units)])).id
        assert await self.emulator.until(lambda book: book.parts[part].state == "delivered", 86400.0, PATIENCE)
        return part

    async def asks(self, part: str, units: int, reason: Reason = "changed_mind") -> str:
        """A buyer wants to send so many of them back; the vendor is asked."""
        line = self.book.parts[part].lines[0].id
        wanted = [Asked(line_id=line, quantity=units, reason=reason)]
        made = self.emulator.change(lambda turn: ask.ask(turn, turn.book.parts[part], wanted)).id
        await self.emulator.until(lambda book: not book.steps[book.returns[made].authorize_id].is_open, 1.0, PATIENCE)
        return made

    async def passes(self, seconds: float) -> None:
        await self.emulator.until(lambda _: False, seconds, PATIENCE)

    def it(self, return_id: str) -> Return:
        return self.book.returns[return_id]

    def kinds(self) -> list[str]:
        """What was asked about returns, in order, and how it ended."""
        mine = [step for step in self.book.steps.values() if step.kind.startswith("returns.") or step.kind == "stock.restock"]
        return [f"{step.kind} {step.outcome}".rstrip() for step in mine]


@asynccontextmanager
async def playing(folder: Path, loaded: Loaded, dice: Dice | None = None) -> AsyncGenerator[Stage]:
    """An emulator whose time jumps, and which keeps its book."""
    emulator = Emulator(Setup(vendor="acme", data=folder, loaded=loaded, dice=dice or Dice(1, frozenset())))
    emulator.change(lambda turn: catalog.stock_up(turn, catalog.SAMPLE))
    await emulator.start()
    try:
        yield Stage(emulator)
    finally:
        await emulator.stop()


async def test_good_and_damaged_units_are_refunded_and_rejected_ones_are_not(tmp_path: Path) -> None:
    found = [{"sku": "mug", "good": 1, "damaged": 1, "rejected": 1, "reason": "worn"}]
    async with playing(tmp_path, takes_back(found=found, askings=3)) as stage:
        part = await stage.bought()
        made = await stage.asks(part, 3)
        await stage.passes(3600.0)
        it = stage.it(made)
        assert (it.state, it.reference) == ("refunded", "RMA 7")
        assert stage.book.refunds[it.refund_id or ""].items == [(stage.book.parts[part].lines[0].id, 2500)]
        assert stage.book.offers["mug"].stock == 1000 - 3 + 1
        assert stage.book.steps[it.inspect_id].attempt == 3
        assert stage.kinds() == ["returns.authorize done", "returns.inspect done"]


async def test_the_good_units_go_into_the_stock_of_a_vendor_who_has_one(tmp_path: Path) -> None:
    async with playing(tmp_path, dummy(return_after=0, push=False, damaged={"mug": 1}, deliver_after=0)) as stage:
        made = await stage.asks(await stage.bought(), 3)
        await stage.passes(60.0)
        it = stage.it(made)
        assert (it.state, it.lines[0].good, it.lines[0].damaged) == ("refunded", 2, 1)
        [restock] = [step for step in stage.book.steps.values() if step.kind == "stock.restock"]
        assert (restock.outcome, restock.body["items"]) == ("done", [{"sku": "mug", "quantity": 2}])
        assert rules.left(stage.book.parts[it.part_id].lines[0], [it]) == 0
        assert "shipping" in dict(stage.book.refunds[it.refund_id or ""].items)


async def test_no_cent_goes_back_twice(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back(found=[{"sku": "mug", "good": 2}])) as stage:
        part = await stage.bought(2)
        line = stage.book.parts[part].lines[0].id
        some = [Back(line_id=line, amount=300)]
        stage.emulator.change(lambda turn: refund.ask(turn, turn.book.parts[part], some, "late", "vendor:acme"))
        made = await stage.asks(part, 2)
        await stage.passes(60.0)
        assert dict(stage.book.refunds[stage.it(made).refund_id or ""].items) == {line: 2500 - 300, "shipping": 490}


async def test_what_the_buyer_has_the_money_of_comes_back_without_a_refund(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back(found=[{"sku": "mug", "good": 1}])) as stage:
        part = await stage.bought(1)
        made = await stage.asks(part, 1)
        stage.emulator.change(lambda turn: refund.ask(turn, turn.book.parts[part], None, "goodwill", "vendor:acme"))
        await stage.passes(60.0)
        assert (stage.it(made).state, stage.it(made).reason, stage.it(made).refund_id) == ("refunded", "given_back_before", None)
        assert [one.reason for one in stage.book.refunds.values()] == ["goodwill"]


async def test_nothing_is_refunded_of_what_is_not_taken_back(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back(found=[{"sku": "mug", "rejected": 1, "reason": "worn"}])) as stage:
        made = await stage.asks(await stage.bought(), 1)
        await stage.passes(60.0)
        assert (stage.it(made).state, stage.it(made).reason) == ("refused", "worn")
        assert not stage.book.refunds


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ([{"sku": "mug", "good": 2}], "/items/0"),
        ([{"sku": "mug", "good": 1}, {"sku": "cup", "good": 1}], "/items/1/sku"),
        ([{"sku": "mug", "good": 1}] * 2, "/items/1/sku"),
        ([{"sku": "mug"}], "/items"),
    ],
)
async def test_what_was_not_asked_for_is_not_counted(tmp_path: Path, found: list[Any], field: str) -> None:
    async with playing(tmp_path, takes_back(found=found)) as stage:
        made = await stage.asks(await stage.bought(), 1)
        await stage.passes(3600.0)
        assert stage.it(made).state == "authorized"
        [letter] = stage.book.letters
        assert (letter.kind, letter.reason) == ("returns.received", "malformed")
        assert letter.detail.startswith(f"{field}:")
        assert not stage.book.refunds
        assert stage.book.offers["mug"].stock == 997


async def test_a_fact_that_is_told_right_after_a_wrong_one_counts(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back()) as stage:
        made = await stage.asks(await stage.bought(), 1)
        it = stage.it(made)
        for units in (5, 1):
            told(stage, it.authorize_id, it.part_id, units)
        await stage.passes(1.0)
        assert stage.it(made).state == "refunded"


def told(stage: Stage, command_id: str, part_id: str, units: int) -> None:
    """A fact is heard."""
    body = msgspec.json.encode({"sub_order_id": part_id, "items": [{"sku": "mug", "good": units}]})
    headers = {messages.EVENT_ID: f"evt.{command_id}", messages.COMMAND_ID: command_id}
    stage.emulator.change(lambda turn: hear(turn, "returns.received", headers, body))


async def test_units_that_nobody_waits_for_are_a_letter(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back(also=[{"sku": "mug", "good": 1}])) as stage:
        made = await stage.asks(await stage.bought(), 1)
        stage.emulator.change(lambda turn: ask.cancel(turn, turn.book.returns[made]))
        await stage.passes(120.0)
        assert stage.it(made).state == "canceled"
        [letter] = stage.book.letters
        assert (letter.kind, letter.reason) == ("returns.received", "not_awaited")
        told(stage, "cmd_none", "sub_none", 1)
        assert stage.book.letters[-1].reason == "foreign"
        assert not stage.book.refunds


async def test_a_vendor_may_agree_later_and_tell_what_came(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back(later=30.0, also=[{"sku": "mug", "damaged": 1}])) as stage:
        made = await stage.asks(await stage.bought(), 1)
        await stage.passes(120.0)
        it = stage.it(made)
        assert (it.state, it.lines[0].damaged) == ("refunded", 1)
        assert stage.book.steps[it.authorize_id].outcome == "done"
        assert not stage.book.letters


async def test_a_vendor_refuses(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back(refuses="not_returnable")) as stage:
        part = await stage.bought()
        made = await stage.asks(part, 2)
        assert (stage.it(made).state, stage.it(made).reason) == ("refused", "not_returnable")
        assert stage.kinds() == ["returns.authorize refused"]
        with pytest.raises(Refused, match="1 units can still"):
            await stage.asks(part, 2)


async def test_a_buyer_thinks_again(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back()) as stage:
        made = await stage.asks(await stage.bought(), 2)
        stage.emulator.change(lambda turn: ask.cancel(turn, turn.book.returns[made]))
        await stage.passes(60.0)
        assert stage.kinds() == ["returns.authorize done", "returns.inspect withdrawn", "returns.cancel done"]
        with pytest.raises(Refused, match="return is canceled: send is not possible"):
            stage.emulator.change(lambda turn: ask.send_back(turn, turn.book.returns[made], BACK))


@pytest.mark.parametrize(("parcel", "ends", "letters"), [(None, "expired", []), (BACK, "in_transit", ["reception_overdue"])])
async def test_what_does_not_come_back_is_not_waited_for_for_ever(
    tmp_path: Path, parcel: Parcel | None, ends: str, letters: list[str]
) -> None:
    async with playing(tmp_path, takes_back()) as stage:
        made = await stage.asks(await stage.bought(), 1)
        if parcel:
            stage.emulator.change(lambda turn: ask.send_back(turn, turn.book.returns[made], parcel))
        await stage.passes(31 * 86400.0)
        assert stage.it(made).state == ends
        assert [letter.reason for letter in stage.book.letters] == letters


async def test_only_what_has_arrived_and_not_long_ago_can_be_sent_back(tmp_path: Path) -> None:
    async with playing(tmp_path, takes_back()) as stage:
        part = stage.emulator.change(lambda turn: course.place(turn, [Item(sku="mug", quantity=1)])).id
        with pytest.raises(Refused, match="only what has arrived"):
            await stage.asks(part, 1)
        await stage.passes(15 * 86400.0)
        with pytest.raises(Refused, match="could be sent back until"):
            await stage.asks(part, 1)


async def test_a_restart_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    says = takes_back(found=[{"sku": "mug", "good": 1}], askings=2)
    async with playing(tmp_path, says) as stage:
        made = await stage.asks(await stage.bought(), 1)
        stage.emulator.change(lambda turn: ask.send_back(turn, turn.book.returns[made], BACK))
    async with playing(tmp_path, says) as stage:
        assert (stage.it(made).state, stage.it(made).parcel) == ("in_transit", BACK)
        await stage.passes(3600.0)
        assert stage.it(made).state == "refunded"
        assert [refund.paid for refund in stage.book.refunds.values()] == [1250]


@pytest.mark.parametrize("fault", [Fault.DUPLICATE, Fault.HUB_RESTART])
async def test_what_is_heard_twice_is_counted_once(tmp_path: Path, fault: Fault) -> None:
    also = [{"sku": "mug", "good": 1}]
    async with playing(tmp_path, takes_back(found=also, also=also), Dice(5, frozenset({fault}))) as stage:
        made = await stage.asks(await stage.bought(), 1)
        await stage.passes(3600.0)
        assert stage.it(made).state == "refunded"
        assert len(stage.book.refunds) == 1
        assert stage.book.offers["mug"].stock == 998
        assert not stage.book.letters


async def test_a_vendor_without_a_spoke_works_by_hand_with_the_client(tmp_path: Path) -> None:
    async with serving(tmp_path) as (emulator, http), AsyncClient(str(http.base_url), emulator.book.api_key) as client:
        sub = (await http.post("/_emulator/orders", json={"items": [{"sku": "mug", "quantity": 2}]})).json()["id"]
        await client.orders.accept(sub)
        await until(lambda: emulator.book.parts[sub].is_paid)
        await client.orders.ship(sub, [BACK])
        await client.orders.deliver(sub)
        made = (await http.post(f"/_emulator/orders/{sub}/return", json={})).json()["id"]
        assert [it.id async for it in client.returns.all(state="requested")] == [made]
        assert (await client.returns.authorize(made, reference="RMA 7")).reference == "RMA 7"
        with pytest.raises(Conflict):
            await client.returns.refuse(made, "not_returnable")
        assert (await http.post(f"/_emulator/returns/{made}/shipment", json={})).json()["parcel"]["tracking_number"]
        with pytest.raises(Invalid) as wrong:
            await client.returns.receive(made, [Inspected(sku="mug", good=3)])
        assert wrong.value.field == "/items/0"
        assert (await client.returns.receive(made, [Inspected(sku="mug", good=2)])).state == "received"
        await until(lambda: emulator.book.returns[made].state == "refunded")
        assert emulator.book.parts[sub].lines[0].refunded == 2500
        again = await http.post(f"/_emulator/orders/{sub}/return", json={})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing_left")
        cancel = await http.post(f"/_emulator/returns/{made}/cancel", json={})
        assert (cancel.status_code, cancel.json()["type"]) == (409, "/problems/illegal_transition")
