"""What a spoke gives up: at once when asking again cannot help, at the deadline when it could have."""

import time

import pytest

from tests.vendor_sdk import orders
from tests.vendor_sdk.conftest import RunSpoke
from tests.vendor_sdk.stand import Stand
from vendor_sdk import messages
from vendor_sdk.messages import Dead


@pytest.mark.parametrize(
    ("do", "code"),
    [
        ("unsupported", "unsupported"),
        ("misconfigured", "misconfigured"),
        ("needs_reauth", "needs_reauth"),
        ("bug", "failed"),
        ("garbage", "failed"),
    ],
)
async def test_a_permanent_error_is_a_dead_letter_at_once(stand: Stand, vendor: str, run_spoke: RunSpoke, do: str, code: str) -> None:
    await run_spoke(vendor, {"faults": [{"do": do}]})
    body = orders.reserve("sub-1")
    await stand.command(vendor, body, f"{vendor}.{do}", headers={"Mk-Order-Id": "ord_4"})
    heard = await stand.event(f"{vendor}.{do}.dead")
    assert isinstance(heard.body, Dead)
    assert (heard.body.error, heard.body.command_kind, heard.body.attempts) == (code, "stock.reserve", 1)
    assert messages.decode_command("stock.reserve", heard.body.payload.encode()) == body
    assert (heard.headers["Mk-Cmd-Id"], heard.headers["Mk-Order-Id"]) == (f"{vendor}.{do}", "ord_4")
    await stand.settled(vendor)
    assert stand.calls(vendor, f"{vendor}.{do}") == 1


async def test_a_mended_dead_letter_is_done_when_replayed(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"faults": [{"do": "misconfigured", "times": 1}]})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.dead")
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=2)
    await stand.event(f"{vendor}.r.reserved")


@pytest.mark.parametrize(
    ("kind", "body", "command_id", "code"),
    [
        ("stock.reserve", b"{", "m1", "malformed"),
        ("stock.reserve", b'{"sub_order_id": "s", "items": [], "expires_at": "2030-01-01T00:00:00Z", "x": 1}', "m2", "malformed"),
        ("stock.reserve", b'{"sub_order_id": "s", "reserve_command_id": "r"}', "m3", "malformed"),
        ("stock.steal", b"{}", "m4", "unknown_command"),
        ("stock.release", b'{"sub_order_id": "s", "reserve_command_id": "r"}', "not an id", "malformed"),
    ],
)
async def test_a_message_that_cannot_be_done_is_kept_for_triage(
    stand: Stand, run_spoke: RunSpoke, kind: str, body: bytes, command_id: str, code: str
) -> None:
    vendor = stand.new_vendor()
    await run_spoke(vendor)
    stand.heard.clear()
    await stand.raw(vendor, kind, body, command_id)
    heard = await stand.dead(code)
    assert isinstance(heard.body, Dead)
    assert heard.body.payload == body.decode()
    assert heard.headers.get("Mk-Cmd-Id") == (None if " " in command_id else command_id)
    await stand.settled(vendor)


async def test_a_command_id_used_for_another_command_is_a_dead_letter(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor)
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.x")
    await stand.event(f"{vendor}.x.reserved")
    await stand.command(vendor, orders.submit("sub-1"), f"{vendor}.x", attempt=2)
    dead = (await stand.event(f"{vendor}.x.dead")).body
    assert isinstance(dead, Dead)
    assert dead.error == "command_id_reused"
    assert [verb for _, verb in stand.effects(vendor)] == ["reserve"]


async def test_a_busy_system_is_asked_again_until_it_answers(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"faults": [{"do": "retry", "times": 3}]}, guard={"attempts": 2, "wait_first": 0.01, "breaker_failures": 50})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await stand.event(f"{vendor}.r.reserved")
    assert stand.calls(vendor, f"{vendor}.r") == 4


async def test_a_busy_system_is_a_dead_letter_when_the_deadline_comes(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"faults": [{"do": "retry"}]}, guard={"attempts": 2, "wait_first": 0.01, "breaker_failures": 50})
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", deadline=2.5)
    dead = (await stand.event(f"{vendor}.r.dead")).body
    assert isinstance(dead, Dead)
    assert dead.error == "retry"
    assert dead.attempts == 2
    await stand.settled(vendor)


async def test_a_silent_system_is_a_dead_letter_by_the_deadline(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    await run_spoke(vendor, {"faults": [{"do": "silence"}]}, guard={"timeout": 0.3, "attempts": 2, "breaker_failures": 50})
    began = time.monotonic()
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", deadline=1.0)
    await stand.event(f"{vendor}.r.dead")
    assert time.monotonic() - began < 1.5
