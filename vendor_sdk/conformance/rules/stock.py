"""Level `stock`: what is set aside is set aside once, whole, never twice, and given back once."""

import asyncio

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.heard import Broken, Heard
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.conformance.rule import Rules
from vendor_sdk.conformance.rules.probes import excess, reserved
from vendor_sdk.messages import Refused, Released, Reserved

STOCK = Rules("stock", "stock")

AGAIN = "(asked again, the spoke's memory lost)"
UNKNOWN_SKU = "no-such-sku-anywhere"
BOTH = (Reserved, Refused)


@STOCK.rule(
    "A reserve asked again holds its units once and is Reserved again, also when the spoke has lost its memory.",
    why="A crash between your system's change and our note of it asks the same command again; held twice, units are lost for sale.",
)
async def reserved_once(rig: Rig) -> None:
    sku, units = await rig.few()
    reserve, command_id = commands.reserve(rig.new_id(), (sku, 1)), rig.new_id()
    (await rig.ask(reserve, command_id)).must(Reserved)
    await rig.forget()
    (await rig.ask(reserve, command_id, attempt=2, note=AGAIN)).must(Reserved)
    await _must_be_free(rig, sku, units - 1)


@STOCK.rule(
    "A release asked again gives back once, also when the spoke has lost its memory.",
    why="Given back twice, the same unit is sold to two buyers.",
)
async def released_once(rig: Rig) -> None:
    sku, units = await rig.few()
    sub_order_id = rig.new_id()
    held = await reserved(rig, sub_order_id, (sku, 1))
    await reserved(rig, rig.new_id(), (sku, units - 1))
    release, command_id = commands.release(sub_order_id, held), rig.new_id()
    (await rig.ask(release, command_id)).must(Released)
    await rig.forget()
    (await rig.ask(release, command_id, attempt=2, note=AGAIN)).must(Released)
    await _must_be_free(rig, sku, 1)


@STOCK.rule(
    "What cannot be set aside whole is refused, and then nothing of it is held.",
    why="The hub counts on all or nothing; units of a refused reserve that stay held are released by nobody.",
)
async def all_or_none(rig: Rig) -> None:
    plenty, (sku, units) = await rig.plenty(), await rig.few()
    (await rig.ask(commands.reserve(rig.new_id(), (plenty, 1), (sku, units + 1)))).must(Refused)
    await _must_be_free(rig, sku, units)


@STOCK.rule(
    "Lines of one SKU add up.",
    why="Two lines of one SKU come from bundles and promotions; looked at one by one they sell what is not there.",
)
async def lines_add_up(rig: Rig) -> None:
    sku, units = await rig.few()
    (await rig.ask(commands.reserve(rig.new_id(), (sku, units), (sku, 1)))).must(Refused)


@STOCK.rule(
    "`short` of a refusal names what was asked for, each SKU once, no more units than asked.",
    why="The hub asks anew for the rest by it; a wrong number takes lines from the buyer that you could deliver.",
)
async def short_is_true(rig: Rig) -> None:
    plenty, (sku, units) = await rig.plenty(), await rig.few()
    reserve = commands.reserve(rig.new_id(), (plenty, 1), (sku, units + 2))
    heard = await rig.ask(reserve)
    excess(heard, reserve.items, [*heard.must(Refused).short])


@STOCK.rule(
    "After a refusal the same sub-order may ask for less, under a new command.",
    why="A buyer who takes what is there gets it: the hub asks for the rest of a sub-order after `short`.",
)
async def asked_for_less(rig: Rig) -> None:
    sku, units = await rig.few()
    sub_order_id = rig.new_id()
    await rig.ask(commands.reserve(sub_order_id, (sku, units + 1)))
    (await rig.ask(commands.reserve(sub_order_id, (sku, units)), note="(after more was refused)")).must(Reserved)


@STOCK.rule(
    "However many ask at once, and each twice, no more units are set aside than there are.",
    why="A flash sale is a thousand reserves in a second; looking first and taking later oversells.",
)
async def never_oversold(rig: Rig) -> None:
    sku, units = await rig.few()
    asked = [(commands.reserve(rig.new_id(), (sku, 1)), rig.new_id()) for _ in range(units + 2)]
    heard = await asyncio.gather(*(rig.ask(*each) for each in asked for _ in range(2)))
    for each in heard:
        each.must_be_one_of(BOTH)
    twins = zip(heard[::2], heard[1::2], strict=True)
    if any(one.body != other.body for one, other in twins):
        raise Broken(asked="each reserve twice at once", came=_told(heard), expected="the same answer to both")
    won = sum(isinstance(each.body, Reserved) for each in heard[::2])
    if won != units:
        raise Broken(asked=f"{len(asked)} reserves at once, for {units} units", came=_told(heard[::2]), expected=f"{units} Reserved")


@STOCK.rule(
    "A release that comes before its reserve is Released, and the reserve that comes late is refused.",
    why="Messages overtake each other; a release that fails because nothing is there yet leaves the late reserve held for ever.",
)
async def released_first(rig: Rig) -> None:
    sku, units = await rig.few()
    sub_order_id, reserve_id = rig.new_id(), rig.new_id()
    (await rig.ask(commands.release(sub_order_id, reserve_id), note="(never reserved)")).must(Released)
    (await rig.ask(commands.reserve(sub_order_id, (sku, 1)), reserve_id, note="(released before)")).must(Refused)
    await _must_be_free(rig, sku, units)


@STOCK.rule(
    "A SKU that your system does not know is an answer, not a fault.",
    why="Catalogs drift apart every day; a fault is a dead letter and opens the breaker for everything else.",
)
async def unknown_sku(rig: Rig) -> None:
    heard = await rig.ask(commands.reserve(rig.new_id(), (UNKNOWN_SKU, 1)))
    heard.must_be_one_of(BOTH, "Refused (or Reserved, if you sell what you do not count)")


async def _must_be_free(rig: Rig, sku: str, units: int) -> None:
    """Exactly so many: they can be set aside, and then no other."""
    sub_order_id = rig.new_id()
    heard = await rig.ask(commands.reserve(sub_order_id, (sku, units)), note=f"({units} must be free)")
    heard.must(Reserved, f"Reserved: {units} units must be free")
    more = await rig.ask(commands.reserve(rig.new_id(), (sku, 1)), note="(nothing must be free)")
    more.must(Refused, f"Refused: no more than {units} units must have been free")


def _told(heard: list[Heard]) -> str:
    return "; ".join(each.came for each in heard)
