"""Setup intents: a card is saved for later payments, with the holder's authentication where the card wants it."""

import secrets
from typing import Literal

import msgspec
from msgspec import Struct

from hub.sandbox import hosted, payment_methods
from hub.sandbox.answers import Json, declined, public, refused
from hub.sandbox.call import Call
from hub.sandbox.cards import FAILS_LATER, Challenge, TestCard
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page

CONFIRMABLE = {"requires_confirmation", "requires_payment_method"}
CANCELABLE = CONFIRMABLE | {"requires_action"}


class Automatic(Struct, forbid_unknown_fields=True):
    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class Create(Params, kw_only=True):
    automatic_payment_methods: Automatic | None = None
    confirm: bool = False
    customer: str | None = None
    description: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    payment_method: str | None = None
    return_url: str | None = None
    usage: Literal["off_session", "on_session"] = "off_session"
    use_stripe_sdk: bool = False


class Confirm(Params, kw_only=True):
    payment_method: str | None = None
    return_url: str | None = None
    use_stripe_sdk: bool = False


class Cancel(Params, kw_only=True):
    cancellation_reason: Literal["abandoned", "duplicate", "requested_by_customer"] | None = None


class SetupList(ListParams, kw_only=True):
    customer: str | None = None
    payment_method: str | None = None


def create(call: Call, params: Create) -> Json:
    """A new setup intent; confirmed at once if asked."""
    if params.customer:
        call.need("customer", params.customer, "customer")
    if params.payment_method:
        payment_methods.card_of(call, params.payment_method)
    automatic = params.automatic_payment_methods
    fields: Json = {
        "application": None,
        "automatic_payment_methods": {"enabled": automatic.enabled, "allow_redirects": automatic.allow_redirects} if automatic else None,
        "cancellation_reason": None,
        "client_secret": None,
        "customer": params.customer,
        "description": params.description,
        "last_setup_error": None,
        "latest_attempt": None,
        "mandate": None,
        "metadata": params.metadata,
        "next_action": None,
        "payment_method": params.payment_method,
        "payment_method_types": ["card"],
        "status": "requires_confirmation" if params.payment_method else "requires_payment_method",
        "usage": params.usage,
    }
    intent = call.new("setup_intent", fields)
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(8)}"
    call.store.put(intent)
    call.announce("setup_intent.created", intent)
    return _confirmed(call, intent, params) if params.confirm else intent


def confirm(call: Call, params: Confirm) -> Json:
    """Save the card, or ask for the holder. A decline is a 402 that leaves the intent asking for another card."""
    intent = call.need("setup_intent", call.ids[0], "intent")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    intent["payment_method"] = params.payment_method or intent["payment_method"]
    return _confirmed(call, intent, params)


def cancel(call: Call, params: Cancel) -> Json:
    """Give up."""
    intent = call.need("setup_intent", call.ids[0], "intent")
    if intent["status"] not in CANCELABLE:
        raise unexpected(intent, "cancel")
    intent |= {"status": "canceled", "cancellation_reason": params.cancellation_reason, "next_action": None}
    call.store.put(intent)
    call.announce("setup_intent.canceled", intent)
    return intent


def get(call: Call, params: Params) -> Json:
    """One setup intent."""
    del params
    return call.need("setup_intent", call.ids[0], "intent")


def find(call: Call, params: SetupList) -> Json:
    """Setup intents, newest first."""
    conditions = [("$.customer", "=", params.customer), ("$.payment_method", "=", params.payment_method)]
    return page(call, "setup_intent", "/v1/setup_intents", params, conditions)


def authenticate(call: Call, intent: Json, *, succeed: bool) -> Json:
    """The holder answered the challenge (a switch of the sandbox, not of Stripe)."""
    if intent["status"] != "requires_action":
        raise unexpected(intent, "authenticate")
    intent["next_action"] = None
    if succeed:
        return _saved(call, intent)
    card = TestCard(code="setup_intent_authentication_failure", message="The holder failed authentication.")
    _failed(call, intent, card)
    return intent


def unexpected(intent: Json, verb: str) -> Exception:
    """The refusal for an intent in a state that does not allow `verb`."""
    message = f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}."
    return refused(message, code="setup_intent_unexpected_state", setup_intent=public(intent))


def _confirmed(call: Call, intent: Json, params: Create | Confirm) -> Json:
    if intent["payment_method"] is None:
        raise refused("You cannot confirm this SetupIntent because it's missing a payment method.", code="setup_intent_unexpected_state")
    card = payment_methods.card_of(call, intent["payment_method"])
    payment_methods.check_owner(call, intent["payment_method"], intent["customer"])
    if card.challenge in {Challenge.ALWAYS, Challenge.UNLESS_SAVED}:
        intent |= {
            "status": "requires_action",
            "next_action": hosted.challenge(call, intent, params.return_url, stripe_sdk=params.use_stripe_sdk),
        }
        call.store.put(intent)
        call.announce("setup_intent.requires_action", intent)
        return intent
    if card.code and intent["payment_method"] != FAILS_LATER:
        _failed(call, intent, card)
        raise declined(card.message, code=card.code, decline_code=card.decline_code, setup_intent=public(intent))
    return _saved(call, intent)


def _saved(call: Call, intent: Json) -> Json:
    if intent["customer"]:
        method = payment_methods.save(call, intent["payment_method"], intent["customer"], set_up=True)
        intent["payment_method"] = method["id"]
    intent |= {"status": "succeeded", "last_setup_error": None}
    call.store.put(intent)
    call.announce("setup_intent.succeeded", intent)
    return intent


def _failed(call: Call, intent: Json, card: TestCard) -> None:
    error: Json = {"type": "card_error", "code": card.code, "message": card.message}
    error |= {"decline_code": card.decline_code} if card.decline_code else {}
    intent |= {"status": "requires_payment_method", "last_setup_error": error, "payment_method": None}
    call.store.put(intent)
    call.announce("setup_intent.setup_failed", intent)
