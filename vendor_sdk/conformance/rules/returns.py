"""Level `returns`: agreed to once, given up for good, and never counted back on a guess or beyond what was sold."""

from collections import Counter

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.conformance.rule import AT_ONCE, Rules
from vendor_sdk.conformance.rules.probes import Asking, ordered, shipped
from vendor_sdk.messages import Authorize, Authorized, Canceled, Pending, Received

RETURNS = Rules("returns", "returns")

AGAIN = "(asked again, the spoke's memory lost)"


async def sold(rig: Rig) -> tuple[str, str]:
    """A sub-order that may come back, and its SKU."""
    sku = await rig.plenty()
    if rig.serves("shipping"):
        (ship, _), _ = await shipped(rig, sku)
        return ship.sub_order_id, sku
    submit, _ = await ordered(rig, sku)
    return submit.sub_order_id, sku


async def authorized(rig: Rig) -> tuple[Asking, Authorized]:
    """A return of one unit that the vendor has agreed to, and its answer."""
    sub_order_id, sku = await sold(rig)
    authorize, command_id = commands.authorize(sub_order_id, rig.new_id(), (sku, 1)), rig.new_id()
    return (authorize, command_id), (await rig.settled(authorize, command_id)).must(Authorized)


@RETURNS.rule(
    "An authorize asked again is the same return, also when the spoke has lost its memory.",
    why="The buyer has one parcel and writes one number on it; a second return of yours waits for ever.",
)
async def authorized_once(rig: Rig) -> None:
    (authorize, command_id), first = await authorized(rig)
    await rig.forget()
    heard = await rig.settled(authorize, command_id, attempt=100, note=AGAIN)
    if heard.must(Authorized).reference != first.reference:
        raise heard.broken(f"the same reference: {first.reference!r}")


@RETURNS.rule(
    "A return that was canceled is never received.",
    why="The buyer keeps the goods; what you say to have received is given back in money at once.",
    limits=AT_ONCE,
)
async def canceled_for_good(rig: Rig) -> None:
    (authorize, command_id), _ = await authorized(rig)
    assert isinstance(authorize, Authorize)
    (await rig.ask(commands.cancel_return(authorize, command_id))).must(Canceled)
    heard = await rig.ask(commands.inspect(authorize), note="(it was canceled)")
    if isinstance(heard.body, Received):
        raise heard.broken("Pending, or an error")


@RETURNS.rule(
    "A cancel of a return that your system has never heard of is Canceled.",
    why="A cancel can overtake its authorize; an error would be a dead letter about nothing.",
)
async def cancel_of_nothing(rig: Rig) -> None:
    sub_order_id, sku = await sold(rig)
    unheard = commands.authorize(sub_order_id, rig.new_id(), (sku, 1))
    (await rig.ask(commands.cancel_return(unheard, rig.new_id()), note="(never authorized)")).must(Canceled)


@RETURNS.rule(
    "What came back is counted at most once, and only of what was to come back.",
    why="Each unit counted is money given back, and each good one is sold again.",
)
async def never_more_than_asked(rig: Rig) -> None:
    (authorize, _), _ = await authorized(rig)
    assert isinstance(authorize, Authorize)
    heard = await rig.ask(commands.inspect(authorize))
    if isinstance(heard.body, Pending):
        return
    found = heard.must(Received, "Received or Pending").items
    counted = Counter[str]()
    for item in found:
        counted[item.sku] += item.good + item.damaged + item.rejected
    if counted - Counter({item.sku: item.quantity for item in authorize.items}):
        raise heard.broken(f"at most {', '.join(f'{item.quantity} of {item.sku}' for item in authorize.items)}")
