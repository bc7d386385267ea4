"""Level `shipping`: sent once, with the same papers, never after a recall, and never said to have left or arrived on a guess."""

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.heard import Unseen
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.conformance.rule import AT_ONCE, Rules
from vendor_sdk.conformance.rules.probes import ordered, shipped
from vendor_sdk.errors import Retry
from vendor_sdk.messages import Kept, Pending, Recalled, Shipped

SHIPPING = Rules("shipping", "shipping")

AGAIN = "(asked again, the spoke's memory lost)"


@SHIPPING.rule(
    "A ship asked again is the same parcels, also when the spoke has lost its memory.",
    why="A second label is a second parcel that nobody paid for.",
)
async def shipped_once(rig: Rig) -> None:
    (ship, command_id), first = await shipped(rig, await rig.plenty())
    await rig.forget()
    heard = await rig.settled(ship, command_id, attempt=100, note=AGAIN)
    if heard.must(Shipped).parcels != first.parcels:
        raise heard.broken(f"the same parcels: {[parcel.tracking_number for parcel in first.parcels]}")


@SHIPPING.rule(
    "A ship asked again has the same documents, also when the spoke has lost its memory.",
    why="The hub keeps the papers that it heard of first; a second invoice is one that your books have and the buyer has not.",
)
async def same_papers(rig: Rig) -> None:
    (ship, command_id), first = await shipped(rig, await rig.plenty())
    if not first.documents:
        raise Unseen("the adapter gives no documents")
    await rig.forget()
    heard = await rig.settled(ship, command_id, attempt=100, note=AGAIN)
    if heard.must(Shipped).documents != first.documents:
        raise heard.broken(f"the same documents: {[document.url for document in first.documents]}")


@SHIPPING.rule(
    "A recall after the goods have left is Kept.",
    why="Recalled means that the buyer gets the money back; with the goods gone you would have neither.",
    needs=("orders",),
)
async def kept_once_it_left(rig: Rig) -> None:
    (ship, _), _ = await shipped(rig, await rig.plenty())
    (await rig.ask(commands.recall(ship.sub_order_id, rig.new_id()), note="(it has left)")).must(Kept)


@SHIPPING.rule(
    "What was recalled is never shipped.",
    why="A ship and a recall can be on their way at once; what the buyer canceled and got money for must stay.",
    needs=("orders",),
)
async def recalled_stays(rig: Rig) -> None:
    sku = await rig.plenty()
    submit, submit_id = await ordered(rig, sku)
    (await rig.ask(commands.recall(submit.sub_order_id, submit_id))).must(Recalled)
    heard = await rig.ask(commands.ship(submit.sub_order_id, (sku, 1)), note="(it was recalled)")
    if isinstance(heard.body, Shipped):
        raise heard.broken("Rejected (a dead letter), or Pending")


@SHIPPING.rule(
    "Goods in a status that you have never heard of are Pending: not shipped, not delivered.",
    why="Shipped charges the buyer's patience, Delivered pays you out; neither on a guess.",
    limits=AT_ONCE,
)
async def unknown_is_pending(rig: Rig) -> None:
    sku = await rig.plenty()
    submit, _ = await ordered(rig, sku)
    (left, _), parcels = await shipped(rig, sku)
    async with rig.failing(Fault.UNKNOWN_STATUS):
        for command in (commands.ship(submit.sub_order_id, (sku, 1)), commands.track(left.sub_order_id, parcels.parcels)):
            heard = await rig.ask(command, note="(its status is unheard of)")
            if not isinstance(heard.error, Retry):
                heard.must(Pending, "Pending (or Retry)")


@SHIPPING.rule(
    "Goods that your system has never heard of are Pending when tracked.",
    why="Carriers know a parcel hours after its label; an error is a dead letter, Delivered pays for nothing.",
)
async def unknown_parcel(rig: Rig) -> None:
    (await rig.ask(commands.track(rig.new_id()), note="(never shipped)")).must(Pending)
