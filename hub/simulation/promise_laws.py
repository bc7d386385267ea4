"""The laws of promises: whoever is asked has a time for it, what is not kept is known, and has its price, once."""

from collections import Counter
from collections.abc import Callable, Iterator

from hub.simulation.facts import Facts


def everybody_has_a_time(f: Facts) -> Iterator[str]:
    """Who was asked to accept, ship or deliver has a moment by which to do so, not before it was asked."""
    for sub in f.sub_orders.values():
        if sub.routed_at is not None and (sub.accept_by is None or sub.accept_by < sub.routed_at):
            yield f"{sub.id} was routed at {sub.routed_at}, to be accepted by {sub.accept_by}"
    for left in f.rows("shipments"):
        sub = f.sub_orders[left.sub_order_id]
        if sub.ship_by is None or sub.deliver_by is None or sub.deliver_by < left.shipped_at:
            yield f"{sub.id} left at {left.shipped_at}, by {sub.ship_by}, to arrive by {sub.deliver_by}"


def what_is_not_kept_is_known(f: Facts) -> Iterator[str]:
    """A part that fell to its vendor says how, no other does, and it has its price once."""
    posted = Counter((fine.sub_order_id, fine.rule) for fine in f.rows("adjustments"))
    for sub in f.sub_orders.values():
        if sub.state == "declined" and sub.lapse is None:
            yield f"{sub.id} was declined ({sub.reason}), and nothing is held against {sub.vendor}"
        if sub.lapse is not None and sub.state not in {"declined", "canceled"}:
            yield f"{sub.id} is {sub.state}, and {sub.lapse} is held against {sub.vendor}"
        for lapse in ("declined", "no_answer", "canceled_by_vendor"):
            if posted[sub.id, lapse] != (sub.lapse == lapse):
                yield f"{sub.id}: {lapse} was fined {posted[sub.id, lapse]} times, its lapse is {sub.lapse}"


def lateness_has_its_price(f: Facts) -> Iterator[str]:
    """What left or arrived later than promised was fined once, what left earlier rewarded, and nothing else."""
    posted = Counter((fine.sub_order_id, fine.rule) for fine in f.rows("adjustments"))
    for left in f.rows("shipments"):
        sub = f.sub_orders[left.sub_order_id]
        arrived_late = left.delivered_at is not None and left.delivered_at > sub.deliver_by
        due = {"shipped_late": left.shipped_at > sub.ship_by, "delivered_late": arrived_late}
        for rule, late in due.items():
            if posted[sub.id, rule] != late:
                yield f"{sub.id}: {rule} was fined {posted[sub.id, rule]} times; {left} by {sub.ship_by}, {sub.deliver_by}"


def operators_are_told_once(f: Facts) -> Iterator[str]:
    """Of a promise that is not kept there is one letter at most, and one moment at most at which it was broken."""
    told = Counter((said.subject_id, said.event, said.data["promise"]) for said in f.rows("timeline") if said.life == "promise")
    for (subject, event, promise), times in told.items():
        if event in {"break", "escalate"} and times > 1:
            yield f"{subject}: {event} of {promise} {times} times"


LAWS: tuple[Callable[[Facts], Iterator[str]], ...] = (
    everybody_has_a_time,
    what_is_not_kept_is_known,
    lateness_has_its_price,
    operators_are_told_once,
)
