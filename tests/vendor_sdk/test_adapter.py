"""An adapter as its writer sees it: capabilities from the class, settings from its struct, found by name."""

from typing import Any

import msgspec
import pytest

from spokes.dummy.adapter import Dummy
from spokes.dummy.switches import Switches
from tests.vendor_sdk import orders
from vendor_sdk import dead_letter, messages
from vendor_sdk.adapter import Adapter, read_config
from vendor_sdk.envelope import Event, Unreadable, event_headers, read_command
from vendor_sdk.errors import Misconfigured, Unsupported
from vendor_sdk.messages import Declined, Kept, Pending, Refused, Released, Reserved
from vendor_sdk.ports import Context, Shipping, Stock, answer_kind, ask, capabilities, refusal
from vendor_sdk.registry import find


class ShelfConfig(msgspec.Struct, forbid_unknown_fields=True):
    shelves: int


class Shelf(Adapter[ShelfConfig], Stock):
    async def reserve(self, command: messages.Reserve, context: Context) -> Reserved | Refused:
        return Reserved(sub_order_id=command.sub_order_id, reference=context.command_id)

    async def release(self, command: messages.Release, context: Context) -> Released:
        return Released(sub_order_id=f"{command.sub_order_id}{context.command_id[:0]}")


class Half(Adapter[ShelfConfig], Shipping):
    async def ship(self, command: messages.Ship, context: Context) -> Pending:
        return Pending(sub_order_id=f"{command.sub_order_id}{context.command_id[:0]}")


def test_capabilities_and_settings_are_read_from_the_class() -> None:
    assert capabilities(Shelf) == ["stock"]
    assert capabilities(Dummy) == ["stock", "orders", "shipping", "returns"]
    assert read_config(Shelf, {"shelves": 3}) == ShelfConfig(shelves=3)
    assert isinstance(read_config(Dummy, {}), Switches)


@pytest.mark.parametrize(("data", "named"), [({}, "shelves"), ({"shelves": "many"}, "shelves"), ({"shelves": 1, "shelf": 2}, "shelf")])
def test_a_wrong_setting_is_named(data: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        read_config(Shelf, data)


async def test_a_command_goes_to_its_method_or_nowhere() -> None:
    shelf = Shelf("acme", ShelfConfig(shelves=1), None, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - not used here
    answer = await ask(shelf, orders.reserve("sub-1"), Context(command_id="c1"))
    assert answer == Reserved(sub_order_id="sub-1", reference="c1")
    with pytest.raises(Unsupported, match="Shelf cannot ship"):
        await ask(shelf, orders.ship("sub-1"), Context(command_id="c2"))


def test_adapters_are_found_by_name() -> None:
    assert find("dummy") is Dummy
    assert find("tests.vendor_sdk.test_adapter:Shelf") is Shelf


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such", "no adapter is called 'no_such'"),
        ("tests.vendor_sdk.test_adapter:ShelfConfig", "no Adapter class"),
        ("tests.vendor_sdk.test_adapter:Nothing", "no Adapter class"),
        ("tests.vendor_sdk.test_adapter:Half", "does not implement track"),
    ],
)
def test_what_is_no_adapter_is_said(name: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        find(name)


def test_answers_have_a_kind_and_garbage_has_none() -> None:
    assert answer_kind("orders.submit", Pending(sub_order_id="s")) == "orders.pending"
    assert answer_kind("shipping.ship", Pending(sub_order_id="s")) == "shipping.pending"
    for garbage in (Released(sub_order_id="s"), "reserved", None):
        with pytest.raises(ValueError, match=r"is no answer to stock\.reserve"):
            answer_kind("stock.reserve", garbage)


def test_every_command_that_can_be_refused_has_a_refusal() -> None:
    assert refusal(orders.reserve("s"), "no") == Refused(sub_order_id="s", reason="no")
    assert refusal(orders.submit("s"), "no") == Declined(sub_order_id="s", reason="no")
    assert refusal(orders.recall("s", "c"), "no") == Kept(sub_order_id="s", reason="no")
    assert refusal(orders.release("s", "c"), "no") is None
    assert refusal(orders.ship("s"), "no") is None


GOOD = {"Mk-Cmd-Id": "c1", "Mk-Attempt": "2", "Mk-Deadline": "2030-01-01T00:00:00Z", "Mk-Schema": "1", "Mk-Order-Id": "ord_1"}
BODY = messages.encode(orders.release("s", "r"))


def test_a_command_is_read_from_the_wire() -> None:
    command = read_command("acme", "cmd.acme.stock.release", GOOD, BODY)
    assert (command.id, command.kind, command.attempt, command.deadline) == ("c1", "stock.release", 2, 1893456000.0)
    assert command.carried == {"Mk-Order-Id": "ord_1"}
    assert command.context.deadline is not None


@pytest.mark.parametrize(
    ("subject", "headers", "body", "code"),
    [
        ("cmd.bolt.stock.release", GOOD, BODY, "foreign"),
        ("evt.acme.stock.released", GOOD, BODY, "unknown_command"),
        ("cmd.acme.stock.nothing", GOOD, BODY, "unknown_command"),
        ("cmd.acme.stock.release", GOOD | {"Mk-Schema": "9"}, BODY, "unknown_schema"),
        ("cmd.acme.stock.release", {}, BODY, "malformed"),
        ("cmd.acme.stock.release", GOOD | {"Mk-Attempt": "-1"}, BODY, "malformed"),
        ("cmd.acme.stock.release", GOOD | {"Mk-Attempt": "²"}, BODY, "malformed"),
        ("cmd.acme.stock.release", GOOD | {"Mk-Deadline": "soon"}, BODY, "malformed"),
        ("cmd.acme.stock.release", GOOD | {"Mk-Deadline": "2030-01-01T00:00:00"}, BODY, "malformed"),
        ("cmd.acme.stock.release", GOOD, b"\xff\xfe", "malformed"),
        ("cmd.acme.stock.release", GOOD, b" " * (messages.BODY_BYTES_MAX + 1), "malformed"),
    ],
)
def test_what_cannot_be_read_is_said(subject: str, headers: dict[str, str], body: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_command("acme", subject, headers, body)
    assert caught.value.code == code


def test_a_dead_letter_is_built_and_read() -> None:
    dead = dead_letter.build("stock.reserve", "unsupported", "x" * 9999, attempts=3, payload=b"\x00\xff" * 200_000)
    body = messages.encode(dead)
    assert len(body) < 1024 * 1024
    event = Event(id="c1.dead", command_id="c1", kind=dead_letter.KIND, body=body, attempt=2, carried={"Mk-Order-Id": "ord_1"})
    letter = dead_letter.read(event_headers(event), body)
    assert (letter.command_id, letter.order_id, letter.attempt, letter.dead) == ("c1", "ord_1", "2", dead)
    with pytest.raises(msgspec.ValidationError):
        dead_letter.read({}, b"{}")
