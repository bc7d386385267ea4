"""What becomes of a refund: done at once, waiting for funds or for the network, failed after all, canceled."""

from hub.sandbox import balance
from hub.sandbox.answers import Json, refused
from hub.sandbox.call import Call

WAIT = "refunds_wait_for_funds"
"""Whether a refund that the balance does not cover is pending until it does; otherwise the balance goes below zero at once."""

TAKES = 3600
"""Seconds of the sandbox's clock after which a pending refund succeeds, and one that is to fail fails."""

ASKS_AGAIN = 24 * 3600
"""How often the balance is looked at for a refund that waits for funds."""


def begin(call: Call, refund: Json, charge: Json) -> Json:
    """Set the refund's first state and move the money, unless it has to wait for funds."""
    behavior = charge.get("_refunds")
    if call.store.fact(WAIT) and balance.total(call, refund["currency"]) < refund["amount"]:
        refund |= {"status": "pending", "pending_reason": "insufficient_funds", "_due": call.now + ASKS_AGAIN}
        return call.store.put(refund)
    if behavior == "pending":
        refund |= {"status": "pending", "pending_reason": "processing", "_due": call.now + TAKES}
    elif behavior == "failing":
        refund |= {"_due": call.now + TAKES}
    return _move(call, refund)


def ripen(call: Call, refund: Json) -> None:
    """Its hour has come."""
    short = refund.get("pending_reason") == "insufficient_funds"
    if refund["status"] == "succeeded":
        fail(call, refund)
    elif short and balance.total(call, refund["currency"]) < refund["amount"]:
        call.store.put(refund | {"_due": call.now + ASKS_AGAIN})
    else:
        succeed(call, refund)


def succeed(call: Call, refund: Json) -> Json:
    """The buyer has the money."""
    if refund["status"] != "pending":
        raise _unexpected(refund, "succeed")
    refund |= {"status": "succeeded", "_due": None}
    refund.pop("pending_reason", None)
    if refund["balance_transaction"] is None:
        _move(call, refund)
    call.store.put(refund)
    call.announce("refund.updated", refund)
    call.announce("charge.refund.updated", refund)
    return refund


def fail(call: Call, refund: Json, reason: str = "lost_or_stolen_card") -> Json:
    """The network sent the money back, perhaps long after the refund had succeeded: the platform has it again, the buyer does not."""
    if refund["status"] not in {"pending", "succeeded"}:
        raise _unexpected(refund, "fail")
    refund |= {"status": "failed", "failure_reason": reason}
    _give_back(call, refund)
    call.announce("refund.updated", refund)
    call.announce("refund.failed", refund)
    call.announce("charge.refund.updated", refund)
    return refund


def cancel(call: Call, refund: Json) -> Json:
    """Called back before it went."""
    refund["status"] = "canceled"
    _give_back(call, refund)
    call.announce("refund.updated", refund)
    return refund


def _move(call: Call, refund: Json) -> Json:
    refund["balance_transaction"] = balance.post(call, "refund", refund, -refund["amount"])["id"]
    return call.store.put(refund)


def _give_back(call: Call, refund: Json) -> None:
    if refund["balance_transaction"] is not None:
        refund["failure_balance_transaction"] = balance.post(call, "refund_failure", refund, refund["amount"])["id"]
    refund["_due"] = None
    refund.pop("pending_reason", None)
    call.store.put(refund)
    charge = call.need("charge", refund["charge"])
    call.store.put(charge | {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False})


def _unexpected(refund: Json, verb: str) -> Exception:
    return refused(f"Refund {refund['id']} is {refund['status']} and cannot {verb}.", code="refund_unexpected_state")
