"""What holds for every command, whatever it asks: it is answered, in time, in form, and also when times and texts are odd."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.heard import Heard, Late
from vendor_sdk.conformance.rig import GRACE_SECONDS, Rig
from vendor_sdk.conformance.rule import AT_ONCE, Rules
from vendor_sdk.conformance.rules.probes import first_command, one_of_each, ordered
from vendor_sdk.errors import Retry
from vendor_sdk.messages import BODY_BYTES_MAX, Address, Message
from vendor_sdk.ports import CommandBody

T = TypeVar("T")

WIRE = Rules("wire")

LONG = "Größe 漢字 — שלום عبد 🧉 "
LINES = 60
SHORT_DEADLINE = 0.2
LONGER = 4
SHORT_TRIES = 3
SKEW_SECONDS = 5
TEN_YEARS = 315_360_000


@WIRE.rule(
    "Every command that the class serves is answered, in kind and for its own sub-order.",
    why="The hub finishes a step by the answer that belongs to it; another answer is a dead letter and an order that waits.",
)
async def answered(rig: Rig) -> None:
    sku = await rig.plenty()
    async for command in one_of_each(rig, sku):
        (await rig.ask(command)).must(Message, f"an answer to {commands.kind_of(command)} that names {command.sub_order_id}")


@WIRE.rule(
    "Texts in any script and of full length are carried: names, titles, addresses, ids of 64 characters.",
    why="Buyers are called Zoë, 王秀英 and عبد الرحمن; an order that only works in ASCII is lost for the others.",
)
async def any_text(rig: Rig) -> None:
    sku = await rig.plenty()
    sub_order_id = f"{rig.new_id()}.{'x' * 64}"[:64]
    home = Address(
        name=_long(200), line1=_long(200), line2=_long(200), city=_long(100), region=_long(100), postal_code="〒1000001", country="JP"
    )
    if rig.serves("stock"):
        await _answered(rig, commands.reserve(sub_order_id, (sku, 1)))
    if rig.serves("orders"):
        await _answered(rig, commands.submit(sub_order_id, (sku, 1), title=_long(500), ship_to=home))
    if rig.serves("shipping"):
        submit, _ = await ordered(rig, sku)
        await _answered(rig, commands.ship(submit.sub_order_id, (sku, 1), ship_to=home))


@WIRE.rule(
    f"An order of {LINES} lines is answered, and the answer fits the wire.",
    why="References hold 128 characters, reasons 64, a body 256 KiB: an answer that grows with the order breaks on the big ones.",
)
async def many_lines(rig: Rig) -> None:
    sku = await rig.plenty()
    items = [(sku, 1)] * LINES
    if rig.serves("stock"):
        await _answered(rig, commands.reserve(rig.new_id(), *items))
    if rig.serves("orders"):
        await _answered(rig, commands.submit(rig.new_id(), *items))
    if rig.serves("shipping"):
        submit, _ = await ordered(rig, sku, LINES)
        await _answered(rig, commands.ship(submit.sub_order_id, *items))


@WIRE.rule(
    "Times a little in the past or far in the future are answered like any other.",
    why="The hub's clock and yours differ by seconds; a time that has just passed is a refusal at most, never a fault.",
)
async def clock_skew(rig: Rig) -> None:
    sku = await rig.plenty()
    for seconds in (-SKEW_SECONDS, TEN_YEARS):
        if rig.serves("stock"):
            await _answered(rig, commands.reserve(rig.new_id(), (sku, 1), seconds=seconds))
        if rig.serves("orders"):
            await _answered(rig, commands.submit(rig.new_id(), (sku, 1), seconds=seconds))


@WIRE.rule(
    "When the deadline of a command passes, its call ends and answers nothing.",
    why="After the deadline the hub has gone on without you; an answer made up on the way out is wrong by then.",
    limits=AT_ONCE,
)
async def deadline(rig: Rig) -> None:
    sku = await rig.plenty()
    async with rig.failing(Fault.SLOW):
        await _twice_if_late(lambda: _ends_in_time(rig, sku))


@WIRE.rule(
    "A call that was ended on its way leaves nothing behind: the same command asked again is answered.",
    why="Calls are canceled whenever a deadline passes or a spoke stops; a lock or a slot that stays taken stops the whole vendor.",
    limits=AT_ONCE,
)
async def canceled(rig: Rig) -> None:
    sku = await rig.plenty()
    async with rig.failing(Fault.SLOW):
        cut = await _twice_if_late(lambda: _cut_short(rig, sku))
    for again, again_id in ((cut.command, cut.command_id), (await first_command(rig, sku), "")):
        (await rig.ask(again, again_id, attempt=2)).must(Message, "an answer, now that the system is well")


class Cut(NamedTuple):
    """A command whose deadline passed while the slow system worked on it, that deadline in seconds, and what came of it."""

    command: CommandBody
    command_id: str
    seconds: float
    heard: Heard


async def _cut_short(rig: Rig, sku: str) -> Cut:
    """Another is asked, with a longer deadline, where the system was not reached before it, as on a busy machine.

    Not the same: what the adapter made up for that one is remembered, and its system never asked.
    """
    before, seconds = rig.struck, SHORT_DEADLINE
    cut = await _cut(rig, sku, seconds)
    for _ in range(SHORT_TRIES - 1):
        if before is None or rig.struck != before:
            break
        seconds *= LONGER
        cut = await _cut(rig, sku, seconds)
    return cut


async def _cut(rig: Rig, sku: str, seconds: float) -> Cut:
    command, command_id = await first_command(rig, sku), rig.new_id()
    return Cut(command, command_id, seconds, await rig.ask(command, command_id, seconds=seconds, note="(the system is slow)"))


async def _ends_in_time(rig: Rig, sku: str) -> None:
    cut = await _cut_short(rig, sku)
    heard, expected = cut.heard, f"Retry after {cut.seconds:g} s"
    if not isinstance(heard.error, Retry):
        raise heard.broken(expected)
    if heard.seconds > cut.seconds + GRACE_SECONDS:
        raise Late(asked=heard.asked, came=f"{heard.came}, after {heard.seconds:.1f} s", expected=expected)


async def _twice_if_late(trial: Callable[[], Awaitable[T]]) -> T:
    """An adapter that ends late does so each time, a busy machine once. Raises `Late` the second time."""
    try:
        return await trial()
    except Late:
        return await trial()


async def _answered(rig: Rig, command: CommandBody) -> Heard:
    heard = await rig.ask(command)
    heard.must(Message, "an answer: yes, no or not yet")
    if heard.size > BODY_BYTES_MAX:
        raise heard.broken(f"at most {BODY_BYTES_MAX} bytes, not {heard.size}")
    return heard


def _long(characters: int) -> str:
    return (LONG * (characters // len(LONG) + 1))[:characters].rstrip().ljust(characters, "…")
