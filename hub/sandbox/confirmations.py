"""Confirmation: the card is asked, the holder may have to authenticate, and the money is held, taken or declined."""

from typing import Literal

from hub.sandbox import captures, charges, hosted, payment_methods
from hub.sandbox.answers import Json, declined, public, refused
from hub.sandbox.call import Call
from hub.sandbox.cards import UNAUTHENTICATED, TestCard
from hub.sandbox.forms import Params

HOLD_SECONDS = 7 * 24 * 3600
"""Customer-initiated card payments are held for seven days (docs.stripe.com, place a hold on a payment method)."""

CONFIRMABLE = {"requires_confirmation", "requires_payment_method"}


class Manner(Params, kw_only=True):
    """How a payment is to be confirmed, whether at once or later."""

    error_on_requires_action: bool = False
    off_session: bool | Literal["one_off", "recurring"] = False
    payment_method: str | None = None
    receipt_email: str | None = None
    return_url: str | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    use_stripe_sdk: bool = False


class Confirm(Manner, kw_only=True):
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = None


def confirm(call: Call, params: Confirm) -> Json:
    """Charge or hold. A decline is a 402 that leaves the intent asking for another payment method."""
    intent = call.need("payment_intent", call.ids[0], "intent")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    for name in ("capture_method", "payment_method", "receipt_email", "setup_future_usage"):
        intent[name] = getattr(params, name) or intent.get(name)
    return go(call, intent, params)


def go(call: Call, intent: Json, manner: Manner) -> Json:
    """Ask the card. Where nobody is there to authenticate, or it is ruled out, a wish for authentication is a decline."""
    method, off_session = intent["payment_method"], bool(manner.off_session)
    if method is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method.", code="payment_intent_unexpected_state"
        )
    card = payment_methods.card_of(call, method)
    payment_methods.check_owner(call, method, intent["customer"])
    if card.challenged(saved=payment_methods.is_set_up(call, method), off_session=off_session):
        if off_session or manner.error_on_requires_action:
            raise _decline(call, intent, UNAUTHENTICATED)
        action = hosted.challenge(call, intent, manner.return_url, stripe_sdk=manner.use_stripe_sdk)
        intent |= {"status": "requires_action", "next_action": action}
        call.store.put(intent)
        call.announce("payment_intent.requires_action", intent)
        return intent
    if card.code:
        raise _decline(call, intent, card)
    return _held(call, intent, card)


def authenticate(call: Call, intent: Json, *, succeed: bool) -> Json:
    """The holder answered the 3-D Secure challenge (a switch of the sandbox, not of Stripe)."""
    if intent["status"] != "requires_action":
        raise unexpected(intent, "authenticate")
    intent["next_action"] = None
    if not succeed:
        error: Json = {"type": "card_error", "code": "payment_intent_authentication_failure"}
        error["message"] = "The holder failed authentication."
        intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
        call.store.put(intent)
        call.announce("payment_intent.payment_failed", intent)
        return intent
    card = payment_methods.card_of(call, intent["payment_method"])
    if card.code:
        _decline(call, intent, card)
        return intent
    return _held(call, intent, card)


def unexpected(intent: Json, verb: str) -> Exception:
    """The refusal for an intent in a state that does not allow `verb`."""
    message = f"This PaymentIntent's status is {intent['status']}: you cannot {verb} it."
    return refused(message, code="payment_intent_unexpected_state", payment_intent=public(intent))


def _held(call: Call, intent: Json, card: TestCard) -> Json:
    if intent["setup_future_usage"] and intent["customer"]:
        intent["payment_method"] = payment_methods.save(call, intent["payment_method"], intent["customer"], set_up=True)["id"]
    manual = intent["capture_method"] == "manual"
    expires = call.now + HOLD_SECONDS
    charge = charges.of_intent(call, intent, card, expires if manual else None)
    intent |= {
        "latest_charge": charge["id"],
        "status": "requires_capture",
        "amount_capturable": intent["amount"],
        "last_payment_error": None,
        "_due": expires if manual else None,
    }
    call.store.put(intent)
    if not manual:
        return captures.take(call, intent, intent["amount"])
    call.announce("payment_intent.amount_capturable_updated", intent)
    return intent


def _decline(call: Call, intent: Json, card: TestCard) -> Exception:
    code = card.code or "card_declined"
    charge = charges.of_intent(call, intent, card, None)
    error: Json = {"type": "card_error", "code": code, "decline_code": card.decline_code, "message": card.message, "charge": charge["id"]}
    error = {name: fact for name, fact in error.items() if fact is not None}
    error["payment_method"] = payment_methods.shown(call, intent["payment_method"])
    intent |= {"status": "requires_payment_method", "latest_charge": charge["id"], "last_payment_error": error, "payment_method": None}
    call.store.put(intent)
    call.announce("payment_intent.payment_failed", intent)
    return declined(
        card.message,
        code=code,
        decline_code=card.decline_code,
        charge=charge["id"],
        payment_intent=public(intent),
        payment_method=error["payment_method"],
    )
