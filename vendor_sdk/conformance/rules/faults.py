"""What becomes of a command while the vendor's system fails: also part of the level `wire`."""

import asyncio
from collections.abc import Callable

import msgspec

from vendor_sdk.conformance.fault import RETRY_AFTER, Fault
from vendor_sdk.conformance.heard import Broken, Heard, Unseen
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.conformance.rule import AT_ONCE
from vendor_sdk.conformance.rules.probes import UNSEEN, first_command, one_of_each
from vendor_sdk.conformance.rules.wire import WIRE
from vendor_sdk.errors import Misconfigured, NeedsReauth, Retry
from vendor_sdk.messages import Message, Pending

FRAGILE = msgspec.structs.replace(AT_ONCE, breaker_failures=2, breaker_reset=0.2)


@WIRE.rule(
    f"A rate limit (429, Retry-After: {RETRY_AFTER}) is Retry with retry_after={RETRY_AFTER}.",
    why="Told how long to wait, the hub waits; not told, it asks into the limit and your system locks us out for longer.",
    limits=AT_ONCE,
)
async def rate_limited(rig: Rig) -> None:
    await _each_under(rig, Fault.RATE_LIMITED, _asks_to_wait, f"error retry, retry_after {RETRY_AFTER} s")


@WIRE.rule(
    "A server error (503) is Retry, never an answer and never permanent.",
    why="A minute of trouble must cost a minute, not an order: anything but Retry is final.",
    limits=AT_ONCE,
)
async def busy(rig: Rig) -> None:
    await _each_under(rig, Fault.BUSY, _is_retry, "error retry")


@WIRE.rule(
    "A call that failed is not repeated by the adapter.",
    why="The guard repeats, and the hub behind it: three times three times three calls keep a system down that is coming up.",
    limits=AT_ONCE,
)
async def not_repeated(rig: Rig) -> None:
    prepared = [command async for command in one_of_each(rig, await rig.plenty())]
    async with rig.failing(Fault.BUSY):
        for command in prepared:
            before = rig.struck
            heard = await rig.ask(command, note="(the system: busy)")
            if before is not None and rig.struck is not None and rig.struck > before + 1:
                raise Broken(asked=heard.asked, came=f"{rig.struck - before} calls", expected="one call, and its failure")
    if rig.struck is None:
        raise Unseen(UNSEEN)


@WIRE.rule(
    "A broken connection is Retry.",
    why="Many HTTP clients raise errors of their own for it; untranslated they are a fault of the adapter and a dead letter.",
    limits=AT_ONCE,
)
async def cut_off(rig: Rig) -> None:
    await _each_under(rig, Fault.CUT, _is_retry, "error retry")


@WIRE.rule(
    "Refused credentials (401) are NeedsReauth.",
    why="Asking again with a bad key helps nobody and may lock the account; an operator has to see it at once.",
    limits=AT_ONCE,
)
async def signed_out(rig: Rig) -> None:
    await _each_under(rig, Fault.SIGNED_OUT, lambda heard: isinstance(heard.error, NeedsReauth), "error needs_reauth")


@WIRE.rule(
    "An answer of your system that makes no sense is Retry, Misconfigured or Pending, never a success, a refusal or a crash.",
    why="A page of a proxy or a changed API says nothing about the order; what is made of it is final.",
    limits=AT_ONCE,
)
async def garbage(rig: Rig) -> None:
    await _each_under(rig, Fault.GARBAGE, _is_at_a_loss, "error retry or misconfigured, or pending", times=2)


@WIRE.rule(
    "An outage opens the breaker; when it is over, one call tries, is answered, and the breaker closes.",
    why="Faults passed off as answers keep us knocking at a system that is down; an adapter that stays broken needs a person at night.",
    limits=FRAGILE,
)
async def outage(rig: Rig) -> None:
    sku = await rig.plenty()
    async with rig.failing(Fault.CUT):
        command = await first_command(rig, sku)
        heard = await rig.ask(command, note="(the system is down)")
        for _ in range(1, FRAGILE.breaker_failures):
            heard = await rig.ask(await first_command(rig, sku), note="(the system is down)")
        if rig.breaker(command) == "closed":
            raise heard.broken(f"the breaker open after {FRAGILE.breaker_failures} faults in a row, not {rig.breaker(command)}")
    await asyncio.sleep(FRAGILE.breaker_reset)
    heard = await rig.ask(await first_command(rig, sku), note="(the outage is over)")
    heard.must(Message, "an answer to the trial call")
    if rig.breaker(command) != "closed":
        raise heard.broken(f"the breaker closed, not {rig.breaker(command)}")


async def _each_under(rig: Rig, fault: Fault, right: Callable[[Heard], bool], expected: str, *, times: int = 1) -> None:
    """Ask one command of each kind while the system fails; what never reached the system may be answered as ever."""
    prepared = [command async for command in one_of_each(rig, await rig.plenty())]
    async with rig.failing(fault):
        for command in prepared:
            command_id = rig.new_id()
            for attempt in range(1, times + 1):
                before = rig.struck
                heard = await rig.ask(command, command_id, attempt=attempt, note=f"(the system: {fault})")
                if not right(heard) and (before is None or rig.struck != before):
                    raise heard.broken(expected)


def _is_retry(heard: Heard) -> bool:
    return isinstance(heard.error, Retry)


def _asks_to_wait(heard: Heard) -> bool:
    return isinstance(heard.error, Retry) and heard.error.retry_after == RETRY_AFTER


def _is_at_a_loss(heard: Heard) -> bool:
    return isinstance(heard.error, Retry | Misconfigured) or isinstance(heard.body, Pending)
