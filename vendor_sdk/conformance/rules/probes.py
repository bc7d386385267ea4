"""Owns what many rules begin with: an order that was taken on, and one command of every kind that the adapter serves."""

from collections.abc import AsyncIterator, Callable

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.heard import Heard
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.messages import Accepted, Item, Reserved, Shipped
from vendor_sdk.ports import CommandBody

UNSEEN = "nobody can see what your system is sent"
"""Why a rule about that is skipped: no proxy of the kit's stands before it."""

UNHEARD_OF: dict[str, Callable[[str, str], CommandBody]] = {
    "orders.recall": commands.recall,
    "shipping.track": lambda sub_order_id, _: commands.track(sub_order_id),
}
"""What may be asked of a sub-order that is not there."""

Asking = tuple[CommandBody, str]
"""A command and its id."""


async def first_command(rig: Rig, sku: str, units: int = 1) -> CommandBody:
    """What an adapter is asked first about a new sub-order, by what it serves, so that its system is called."""
    sub_order_id = rig.new_id()
    if rig.reaches:
        return UNHEARD_OF[rig.reaches](sub_order_id, rig.new_id())
    if rig.serves("stock"):
        return commands.reserve(sub_order_id, (sku, units))
    if rig.serves("orders"):
        return commands.submit(sub_order_id, (sku, units))
    return commands.ship(sub_order_id, (sku, units))


async def reserved(rig: Rig, sub_order_id: str, *items: tuple[str, int]) -> str:
    """Set these units aside; the command's id."""
    command_id = rig.new_id()
    (await rig.ask(commands.reserve(sub_order_id, *items), command_id)).must(Reserved)
    return command_id


async def ordered(rig: Rig, sku: str, units: int = 1) -> Asking:
    """An order that the vendor has taken on, as the hub comes to one: set aside first, if the adapter can."""
    sub_order_id, command_id = rig.new_id(), rig.new_id()
    if rig.serves("stock"):
        await reserved(rig, sub_order_id, (sku, units))
    submit = commands.submit(sub_order_id, (sku, units))
    if rig.serves("orders"):
        (await rig.settled(submit, command_id)).must(Accepted)
    return submit, command_id


async def shipped(rig: Rig, sku: str) -> tuple[Asking, Shipped]:
    """An order that has left, and its parcels; the command is the one that shipped it."""
    submit, _ = await ordered(rig, sku)
    command_id = rig.new_id()
    ship = commands.ship(submit.sub_order_id, (sku, 1))
    return (ship, command_id), (await rig.settled(ship, command_id)).must(Shipped)


async def one_of_each(rig: Rig, sku: str) -> AsyncIterator[CommandBody]:
    """A command of every kind that the adapter serves, each about something that is there."""
    if rig.serves("stock"):
        yield commands.reserve(rig.new_id(), (sku, 1))
        sub_order_id = rig.new_id()
        yield commands.release(sub_order_id, await reserved(rig, sub_order_id, (sku, 1)))
    if rig.serves("orders"):
        yield commands.submit(rig.new_id(), (sku, 1))
        submit, command_id = await ordered(rig, sku)
        yield commands.recall(submit.sub_order_id, command_id)
    if rig.serves("shipping"):
        submit, _ = await ordered(rig, sku)
        yield commands.ship(submit.sub_order_id, (sku, 1))
        (ship, _), parcels = await shipped(rig, sku)
        yield commands.track(ship.sub_order_id, parcels.parcels)


def excess(heard: Heard, items: list[Item], short: list[Item]) -> None:
    """Raises `Broken` if `short` names what was not asked for, more of it, nothing of it, or one SKU twice."""
    asked: dict[str, int] = {}
    for item in items:
        asked[item.sku] = asked.get(item.sku, 0) + item.quantity
    named = [each.sku for each in short]
    if len(named) != len(set(named)) or any(each.quantity > asked.get(each.sku, 0) for each in short):
        raise heard.broken(f"`short` of what was asked for, each SKU once and no more units than asked: {asked}")
