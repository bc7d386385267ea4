"""Capture: the held money is taken once, in whole or in part, and booked with its fee."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub.sandbox import balance, disputes
from hub.sandbox.answers import Json, invalid, public, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params


class Capture(Params, kw_only=True):
    amount_to_capture: Annotated[int, Meta(ge=1)] | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])


def capture(call: Call, params: Capture) -> Json:
    """Take `amount_to_capture`, or all; the rest is released."""
    intent = call.need("payment_intent", call.ids[0], "intent")
    if intent["status"] != "requires_capture":
        message = f"This PaymentIntent could not be captured because it has a status of {intent['status']}."
        raise refused(message, code="payment_intent_unexpected_state", payment_intent=public(intent))
    amount = params.amount_to_capture or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise invalid(
            "The requested capture amount is greater than the amount you can capture.", param="amount_to_capture", code="amount_too_large"
        )
    intent["metadata"] |= params.metadata
    return take(call, intent, amount)


def take(call: Call, intent: Json, amount: int) -> Json:
    """Move the money: the charge is captured, the platform's balance grows by the amount less the simulated fee."""
    charge = call.need("charge", intent["latest_charge"])
    money = balance.post(call, "charge", charge, amount, fee=balance.fee_of(amount), available_on=call.now + balance.SETTLES_AFTER)
    charge |= {"captured": True, "amount_captured": amount, "balance_transaction": money["id"]}
    charge["payment_method_details"]["card"].pop("capture_before", None)
    call.store.put(charge)
    call.announce("charge.captured", charge)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0, "_due": None}
    call.store.put(intent)
    call.announce("payment_intent.succeeded", intent)
    if charge.get("_dispute"):
        inquiry = charge["_dispute"] == "inquiry"
        disputes.open_on(call, charge, disputes.Order(reason="fraudulent" if inquiry else charge["_dispute"], withdraw=not inquiry))
    return intent
