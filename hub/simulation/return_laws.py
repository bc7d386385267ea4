"""The laws of returns, written from the design and not from the hub's own checks."""

from collections import Counter
from collections.abc import Iterator

from hub.simulation.facts import Facts, grouped

ENDS = ("refunded", "refused", "canceled", "expired")


def returns_end(f: Facts) -> Iterator[str]:
    """Every return has ended, or waits for its vendor, and an operator was told of it."""
    letters = f.rows("dead_letters")
    told = {letter.step_id for letter in letters} | {letter.identity.split(":")[1] for letter in letters if letter.source == "return"}
    for it in f.rows("returns"):
        waits = it.state in {"requested", "in_transit"} and not told.isdisjoint({it.id, it.authorize_id, it.inspect_id} - {None})
        if it.state not in ENDS and not waits:
            yield f"{it.id} of {it.order_id} is {it.state} for ever"


def what_came_back_was_sent(f: Facts) -> Iterator[str]:
    """No more units of a line are back than its buyer paid for, and only of parts that have arrived."""
    bought = {line.id: line.quantity for lines in f.lines.values() for line in lines}
    back: Counter[str] = Counter()
    for line in f.rows("return_lines"):
        back[line.line_id] += line.good + line.damaged
        if line.good + line.damaged + line.rejected > line.quantity:
            yield f"{line.return_id}: more of {line.line_id} was counted than was to come"
    for line_id, units in back.items():
        if units > bought[line_id]:
            yield f"{units} units of {line_id} are back, {bought[line_id]} were bought"
    for it in f.rows("returns"):
        if f.sub_orders[it.sub_order_id].state not in {"delivered", "settled"}:
            yield f"{it.id} is of {it.sub_order_id}, which is {f.sub_orders[it.sub_order_id].state}"


def what_is_taken_back_is_given_back(f: Facts) -> Iterator[str]:
    """The money of units that were taken back has gone back, by whatever way; a return's refund is its own."""
    lines = grouped(f.rows("return_lines"), lambda line: line.return_id)
    has_all = _has_all(f)
    bought = {line.id: line for each in f.lines.values() for line in each}
    taken: Counter[str] = Counter()
    refunds = {refund.id: refund for refund in f.rows("refunds")}
    for it in f.rows("returns"):
        if it.refund_id is not None and refunds[it.refund_id].sub_order_id != it.sub_order_id:
            yield f"{it.id} has the refund of another part"
        if it.state == "refunded" and it.order_id not in has_all:
            for line in lines[it.id]:
                taken[line.line_id] += line.good + line.damaged
    for line_id, units in taken.items():
        line = bought[line_id]
        gross = line.unit_price * line.quantity - line.vendor_discount
        if line.refunded < gross * units // line.quantity:
            yield f"{units} of {line_id} are back, and only {line.refunded} of {gross} were given back"


def _has_all(f: Facts) -> set[str]:
    """Orders whose buyers have all that they paid, the last of it by a dispute."""
    lost: Counter[str] = Counter()
    for dispute in f.rows("disputes"):
        if dispute.state == "lost":
            lost[dispute.order_id] += dispute.amount
    given: Counter[str] = Counter()
    for refund in f.rows("refunds"):
        if refund.state != "disputed":  # what bore a dispute, or covered it, is in what the dispute took
            given[refund.order_id] += refund.amount
    return {payment.order_id for payment in f.rows("payments") if 0 < lost[payment.order_id] >= payment.captured - given[payment.order_id]}


def good_units_are_for_sale_again(f: Facts) -> Iterator[str]:
    """Each offer has received what it began with and what came back good, and its vendor was told so once."""
    good: Counter[str] = Counter()
    for line in f.rows("return_lines"):
        good[line.offer_id] += line.good
    for row in f.rows("stock"):
        if row.received != f.world.received[row.offer_id] + good[row.offer_id]:
            yield f"{row.offer_id} has received {row.received}: {f.world.received[row.offer_id]} at first, {good[row.offer_id]} came back"
    told = Counter(step.payload["return_id"] for step in f.rows("steps") if step.kind == "stock.restock")
    for return_id, times in told.items():
        if times > 1:
            yield f"{return_id} was restocked {times} times"


LAWS = (returns_end, what_came_back_was_sent, what_is_taken_back_is_given_back, good_units_are_for_sale_again)
