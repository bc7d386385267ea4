"""What happens by itself when its hour comes: holds expire, payouts are made and arrive, refunds end, disputes go unanswered."""

from collections.abc import Callable

from hub.sandbox import disputes, payment_intents, payouts, refund_outcomes, schedules
from hub.sandbox.answers import Json
from hub.sandbox.call import Call
from hub.sandbox.store import PLATFORM

HAPPENINGS: dict[str, Callable[[Call, Json], object]] = {
    "account": schedules.pay_out,
    "dispute": disputes.lapse,
    "payment_intent": lambda call, intent: payment_intents.release(call, intent, "automatic"),
    "payout": payouts.arrive,
    "refund": refund_outcomes.ripen,
}
"""Each moves or clears the object's ``_due``, or it would happen for ever."""


def happen(call: Call) -> None:
    """Let everything that fell due happen, each at its own moment and in that order, before the request that sees it."""
    while (obj := call.store.due()) is not None and obj["_due"] <= call.now:
        theirs = Call(store=call.store, now=obj["_due"], account=obj.get("_owner", PLATFORM), base=call.base)
        HAPPENINGS[obj["object"]](theirs, obj)
