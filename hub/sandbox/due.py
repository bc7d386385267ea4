"""What happens by itself when its hour comes: authorizations expire, payouts arrive."""

from hub.sandbox import payment_intents, payouts
from hub.sandbox.call import Call
from hub.sandbox.store import PLATFORM


def happen(call: Call) -> None:
    """Let everything that fell due happen, before the request that sees it."""
    for obj in call.store.due(call.now):
        theirs = Call(store=call.store, now=call.now, account=obj.get("_owner", PLATFORM))
        if obj["object"] == "payment_intent":
            payment_intents.release(theirs, obj, "automatic")
        else:
            payouts.arrive(theirs, obj)
