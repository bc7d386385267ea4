"""Level `orders`: taken on once, in part at most as said, stopped for good, and never more certain than the vendor is."""

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.heard import Broken, Unseen
from vendor_sdk.conformance.money import wrong_amounts
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.conformance.rule import AT_ONCE, Rules
from vendor_sdk.conformance.rules.probes import UNSEEN, excess, ordered, reserved
from vendor_sdk.errors import Retry
from vendor_sdk.messages import Accepted, Declined, Item, Pending, Recalled, Reserved

ORDERS = Rules("orders", "orders")

AGAIN = "(asked again, the spoke's memory lost)"
FINAL = (Accepted, Declined)
NOT_TAKEN = (Declined, Pending)
PRICES = {"JPY": 1_234_567, "EUR": 1_234_567, "KWD": 1_234_567}


@ORDERS.rule(
    "A submit asked again is one order with one number, also when the spoke has lost its memory.",
    why="An order taken twice is packed twice and paid once.",
)
async def ordered_once(rig: Rig) -> None:
    sku, units = await rig.few() if rig.serves("stock") else (await rig.plenty(), 0)
    submit, command_id = await ordered(rig, sku)
    first = (await rig.settled(submit, command_id, attempt=50)).must(Accepted)
    await rig.forget()
    heard = await rig.settled(submit, command_id, attempt=100, note=AGAIN)
    if heard.must(Accepted).reference != first.reference:
        raise heard.broken(f"the same order again, {first.reference}")
    if units:
        again = await rig.ask(commands.reserve(rig.new_id(), (sku, units - 1)), note="(one unit is ordered)")
        again.must(Reserved, f"Reserved: one order took one of {units} units")


@ORDERS.rule(
    "More units than there are is never accepted whole.",
    why="The buyer is charged for what you accept.",
)
async def not_more_than_there_is(rig: Rig) -> None:
    sku, units = await rig.few()
    heard = await rig.settled(commands.submit(rig.new_id(), (sku, units + 1)))
    answer = heard.must_be_one_of((*FINAL, Pending), "Declined, or Accepted with `short`, or Pending")
    if isinstance(answer, Accepted) and not answer.short:
        raise heard.broken(f"Declined, or Accepted with `short`: there are {units} units")


@ORDERS.rule(
    "What is accepted in part leaves out no more than was asked for, each SKU once, and not everything.",
    why="The buyer pays for the rest by these numbers; all of it left out is Declined.",
)
async def short_is_true(rig: Rig) -> None:
    plenty, (sku, units) = await rig.plenty(), await rig.few()
    submit = commands.submit(rig.new_id(), (plenty, 1), (sku, units + 2))
    heard = await rig.settled(submit)
    answer = heard.must_be_one_of((*FINAL, Pending))
    short: list[Item] = [*answer.short] if isinstance(answer, Accepted) else []
    excess(heard, [*submit.items], short)
    if sum(each.quantity for each in short) == sum(each.quantity for each in submit.items):
        raise heard.broken("Declined: nothing of it is accepted")


@ORDERS.rule(
    "A recall of something unknown is Recalled, and the submit that comes late is not taken on.",
    why="Messages overtake each other; a buyer who canceled must not get a parcel.",
)
async def recalled_first(rig: Rig) -> None:
    sku, submit_id = await rig.plenty(), rig.new_id()
    submit = commands.submit(rig.new_id(), (sku, 1))
    (await rig.ask(commands.recall(submit.sub_order_id, submit_id), note="(never submitted)")).must(Recalled)
    (await rig.ask(submit, submit_id, note="(recalled before)")).must(Declined)


@ORDERS.rule(
    "An order that has not left is Recalled, however often that is asked, also when the spoke has lost its memory.",
    why="Kept means that the goods have left: the buyer is charged for it.",
)
async def recalled_before_it_leaves(rig: Rig) -> None:
    submit, submit_id = await ordered(rig, await rig.plenty())
    recall, command_id = commands.recall(submit.sub_order_id, submit_id), rig.new_id()
    (await rig.ask(recall, command_id)).must(Recalled)
    await rig.forget()
    (await rig.ask(recall, command_id, attempt=2, note=AGAIN)).must(Recalled)
    (await rig.ask(recall, note="(asked by another command)")).must(Recalled)


@ORDERS.rule(
    "An order in a status that you have never heard of is Pending.",
    why="Vendors' systems get new statuses without telling; a guess is final and costs the buyer or you, pending costs time.",
    limits=AT_ONCE,
)
async def unknown_is_pending(rig: Rig) -> None:
    sku, sub_order_id = await rig.plenty(), rig.new_id()
    if rig.serves("stock"):
        await reserved(rig, sub_order_id, (sku, 1))
    async with rig.failing(Fault.UNKNOWN_STATUS):
        heard = await rig.ask(commands.submit(sub_order_id, (sku, 1)), note="(its status is unheard of)")
    if not isinstance(heard.error, Retry):
        heard.must(Pending, "Pending (or Retry)")


@ORDERS.rule(
    "An order that was pending is answered as soon as its status is known and the hub asks again.",
    why="Pending is never final: an order that nobody comes back to ends as late, and counts against you.",
)
async def pending_ends(rig: Rig) -> None:
    sku, sub_order_id, command_id = await rig.plenty(), rig.new_id(), rig.new_id()
    if rig.serves("stock"):
        await reserved(rig, sub_order_id, (sku, 1))
    submit = commands.submit(sub_order_id, (sku, 1))
    async with rig.failing(Fault.UNKNOWN_STATUS):
        await rig.ask(submit, command_id)
    heard = await rig.settled(submit, command_id, attempt=10, note="(its status is known again)")
    heard.must_be_one_of(FINAL)


@ORDERS.rule(
    "Money goes to your system unchanged: minor units, or major units with the decimals of the currency (JPY 0, EUR 2, KWD 3).",
    why="Divided by a hundred, a yen order is a hundredth and a dinar order tenfold; through a float it is a cent off.",
)
async def money(rig: Rig) -> None:
    sku, seen = await rig.plenty(), False
    for currency, price in PRICES.items():
        before = len(rig.sent or [])
        submit = commands.submit(rig.new_id(), (sku, 3), price=price, currency=currency)
        heard = await rig.ask(submit)
        heard.must_be_one_of((*FINAL, Pending))
        sent = (rig.sent or [])[before:]
        seen = seen or bool(sent)
        for amount in (price, submit.shipping_price, submit.total):
            if wrong := wrong_amounts(sent, amount, currency):
                raise Broken(
                    asked=heard.asked, came=f"your system was sent {', '.join(wrong)}", expected=f"{amount} minor units of {currency}"
                )
    if not seen:
        raise Unseen(UNSEEN)
