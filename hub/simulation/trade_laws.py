"""The laws of stock, steps, orders, vendors and buyers, written from the design and not from the hub's own checks."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hub.orders.states import SubOrderState, roll_up
from hub.simulation.facts import FALLEN, GONE, LIVING, ORDER_ENDS, Facts, grouped
from hub.simulation.house import House
from hub.simulation.nature import EPOCH

BY_ITS_VENDOR = {"accept", "decline", "ship", "deliver", "reserve"}
"""Moves of a sub-order that its own vendor, or the hub when a time is over, may cause."""


def stock_is_conserved(f: Facts) -> Iterator[str]:
    """On hand + reserved + shipped = received, none negative; reserved and shipped are what parts of orders say."""
    reserved: Counter[str] = Counter()
    shipped: Counter[str] = Counter()
    for sub in f.sub_orders.values():
        for line in f.lines[sub.id]:
            if sub.state in LIVING:
                reserved[line.offer_id] += line.quantity
            elif sub.state in GONE:
                shipped[line.offer_id] += line.quantity
    for row in f.rows("stock"):
        if row.on_hand + row.reserved + row.shipped != row.received or min(row.on_hand, row.reserved, row.shipped) < 0:
            yield f"{row.offer_id}: {row}"
        if (row.reserved, row.shipped) != (reserved[row.offer_id], shipped[row.offer_id]):
            said = f"{reserved[row.offer_id]}, {shipped[row.offer_id]}"
            yield f"{row.offer_id}: {row.reserved} reserved, {row.shipped} shipped, orders say {said}"


def houses_agree(f: Facts) -> Iterator[str]:
    """At each vendor: a command took effect at most once; nothing is set aside for what has ended, nothing left but what we know left."""
    for code, vendor in f.world.vendors.items():
        house = vendor.house
        house.expire(EPOCH + f.world.ended)
        yield from _counted(code, house)
        for sub_order_id in house.reserved:
            yield from _still_set_aside(f, code, sub_order_id)
        for sub_order_id in house.shipped:
            sub = f.sub_orders.get(sub_order_id)
            if sub is None or (sub.state not in GONE and not _excused(f, sub_order_id)):
                yield f"{code} sent {sub_order_id}, which is {sub and sub.state}"
        for sub in f.sub_orders.values():
            if sub.vendor != code or sub.state not in GONE or sub.id in vendor.lied:
                continue
            if sub.id not in house.shipped:
                yield f"{sub.id} is {sub.state}, and {code} never sent it"
            elif house.shipped[sub.id] != (ordered := {line.sku: line.quantity for line in f.lines[sub.id]}):
                yield f"{code} sent {house.shipped[sub.id]} of {sub.id}, of which the buyer pays {ordered}"


def _counted(code: str, house: House) -> Iterator[str]:
    for command, times in house.done.items():
        if times > 1:
            yield f"{code} did {command} {times} times"
    for sku, received in house.received.items():
        held = sum(units.get(sku, 0) for units in (*house.reserved.values(), *house.shipped.values()))
        if house.free[sku] < 0 or house.free[sku] + held != received:
            yield f"{code} has lost count of {sku}: {house.free[sku]} free, {held} held of {received}"


def _still_set_aside(f: Facts, code: str, sub_order_id: str) -> Iterator[str]:
    sub = f.sub_orders.get(sub_order_id)
    if sub is None:
        yield f"{code} holds goods for {sub_order_id}, which nobody ordered"
    elif sub.state not in LIVING and not _excused(f, sub_order_id):
        yield f"{code} still holds goods for {sub_order_id}, which is {sub.state}"


def _excused(f: Facts, sub_order_id: str) -> bool:
    """Its vendor lied about it, or the command that would have put it right died and is an operator's."""
    sub = f.sub_orders[sub_order_id]
    dead = f.given_up.get(sub.order_id)
    return sub_order_id in f.world.vendors[sub.vendor].lied or dead is not None


def steps_end(f: Facts) -> Iterator[str]:
    """No step is open at the end; what died has a letter."""
    for step in f.rows("steps"):
        if step.state == "open":
            yield f"{step.saga_id}: {step.kind} {step.id} is open for ever: attempt {step.attempt}, due {step.due_at}"
            if step.due_at is None:
                yield f"{step.id} waits for no time"
        if step.state == "dead" and step.id not in f.lettered:
            yield f"{step.saga_id}: {step.id} died without a letter"


def orders_end(f: Facts) -> Iterator[str]:
    """Every order has reached an end, or a step of it died and an operator has it; its state is what its parts add up to."""
    for order in f.orders.values():
        if order.state not in ORDER_ENDS and order.id not in f.given_up:
            yield f"{order.id} is {order.state} ({order.stage}, {order.course}) for ever"
        whole = roll_up([SubOrderState(sub.state) for sub in f.parts[order.id]])
        if whole != order.state:
            yield f"{order.id} is {order.state}, its parts say {whole}"


LIVES = ("sub_orders", "payments", "refunds", "returns", "reversals", "transfers", "payouts", "dead_letters", "replay_plans")
"""Tables of what has a life."""


def the_timeline_is_true(f: Facts) -> Iterator[str]:
    """Each life moved from where it was to where it is, without a gap, and only by whom it may be moved."""
    now = {row.id: row.state for name in LIVES for row in f.rows(name)}
    at: dict[str, str] = {}
    for moment in f.rows("timeline"):
        if moment.subject_id not in now:
            continue
        if moment.from_state != at.get(moment.subject_id):
            yield f"{moment.subject_id} moved from {moment.from_state}, but was {at.get(moment.subject_id)}"
        at[moment.subject_id] = moment.to_state
        kind, _, who = moment.actor.partition(":")
        sub = f.sub_orders.get(moment.subject_id)
        if sub is not None and kind == "vendor" and moment.event in BY_ITS_VENDOR and who != sub.vendor:
            yield f"{moment.subject_id} of {sub.vendor}: {moment.event} by {moment.actor}"
    for subject, state in now.items():
        if at.get(subject) != state:
            yield f"{subject} is {state}, its timeline ends with {at.get(subject)}"


def vendors_speak_for_themselves(f: Facts) -> Iterator[str]:
    """What a vendor said was applied to steps of its own alone."""
    targets = {step.id: step.target for step in f.rows("steps")}
    for letter in f.rows("dead_letters"):
        if letter.source == "event" and letter.step_id is not None and targets.get(letter.step_id) != letter.target:
            yield f"letter {letter.id} of {letter.target} names {letter.step_id} of {targets.get(letter.step_id)}"


def buyers_know_what_happened(f: Facts) -> Iterator[str]:
    """Who was told "ok" has the order, who was told "no" has none, who was told nothing has one or none."""
    by_quote = grouped(f.orders.values(), lambda order: order.quote_id)
    for placing in f.world.placings:
        made = [order.id for order in by_quote.pop(placing.quote_id, [])]
        if placing.told == "ok" and made != [placing.order_id]:
            yield f"buyer {placing.number} was told of {placing.order_id}, and has {made}"
        if placing.told.startswith("refused") and made:
            yield f"buyer {placing.number} was told {placing.told}, and has {made}"
        if placing.told == "refused: unknown_quote":
            yield f"buyer {placing.number} was told of {placing.quote_id}, and then that there is no such quote"
        if len(made) > 1:
            yield f"buyer {placing.number} ordered once, and has {made}"
    for made in by_quote.values():
        yield f"nobody wanted {[order.id for order in made]}"


def others_deliver_as_the_buyer_agreed(f: Facts) -> Iterator[str]:
    """Who takes over does so with consent, instead of a part that fell out, for no more units, money or time than was agreed to."""
    variant_of = {offer.id: offer.variant_id for offer in f.rows("offers")}
    for order in f.orders.values():
        agreed = max(0, (order.price_limit or order.total) - order.total)
        for sub in f.parts[order.id]:
            if sub.replaces is None:
                continue
            old = f.sub_orders[sub.replaces]
            if order.on_shortage != "reroute" or old.state not in FALLEN or old.vendor == sub.vendor or old.order_id != order.id:
                yield f"{sub.id} of {sub.vendor} stands for {old.id} of {old.vendor}, {old.state}; the buyer wants {order.on_shortage}"
            if sub.state not in FALLEN and sub.total > sub.was + agreed:
                yield f"{order.id}: {sub.id} costs the buyer {sub.total}, instead of {sub.was} and at most {agreed} more"
        standing = sum(sub.total for sub in f.parts[order.id] if sub.state not in FALLEN)
        if standing > max(order.total, order.price_limit or 0):
            yield f"{order.id} comes to {standing}, its buyer agreed to {order.price_limit or order.total}"
        yield from _more_than_fell_out(f, order, variant_of)


def _more_than_fell_out(f: Facts, order: Any, variant_of: dict[str, str]) -> Iterator[str]:
    by_old = grouped((sub for sub in f.parts[order.id] if sub.replaces), lambda sub: sub.replaces)
    for old, new in by_old.items():
        missing = Counter[str]()
        for line in f.lines[old]:
            missing[variant_of[line.offer_id]] += line.quantity
        for line in (line for sub in new for line in f.lines[sub.id]):
            missing[variant_of[line.offer_id]] -= line.quantity
        if any(units < 0 for units in missing.values()):
            yield f"{order.id}: more is delivered instead of {old} than was missing: {dict(missing)}"


def nothing_unforeseen(f: Facts) -> Iterator[str]:
    """No answer could not be applied, and no law of the hub's own was found broken."""
    for letter in f.rows("dead_letters"):
        if letter.reason == "not_applicable" or letter.source == "law":
            yield f"{letter.source} {letter.kind} of {letter.target}: {letter.detail[:300]}"


LAWS = (
    stock_is_conserved,
    houses_agree,
    steps_end,
    orders_end,
    the_timeline_is_true,
    vendors_speak_for_themselves,
    buyers_know_what_happened,
    others_deliver_as_the_buyer_agreed,
    nothing_unforeseen,
)
