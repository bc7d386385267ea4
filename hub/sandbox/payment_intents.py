"""Payment intents: created, confirmed, canceled, expired, read; capture is in `captures`."""

import re
import secrets
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hub.sandbox import captures, charges
from hub.sandbox.answers import Json, declined, invalid, public, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, listed, page
from hub.sandbox.payment_methods import TestCard, card_of

HOLD_SECONDS = 7 * 24 * 3600
"""Customer-initiated card payments are held for seven days (docs.stripe.com, place a hold on a payment method)."""

AMOUNT_MIN = 50
AMOUNT_MAX = 99_999_999
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
CONFIRMABLE = {"requires_confirmation", "requires_payment_method"}
CANCELABLE = CONFIRMABLE | {"requires_action", "requires_capture"}
QUERY = re.compile(r"""^metadata\[["'](\w+)["']\]:["']([^"']*)["']$""")

Currency = Annotated[str, Meta(pattern=r"^[a-zA-Z]{3}$")]
Metadata = dict[str, str]


class Automatic(Struct, forbid_unknown_fields=True):
    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class Create(Params, kw_only=True):
    amount: int
    currency: Currency
    automatic_payment_methods: Automatic | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic_async"
    confirm: bool = False
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    customer: str | None = None
    description: str | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    off_session: bool = False
    payment_method: str | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None


class Confirm(Params, kw_only=True):
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = None
    off_session: bool = False
    payment_method: str | None = None
    return_url: str | None = None


class Cancel(Params, kw_only=True):
    cancellation_reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None = None


class IntentList(ListParams, kw_only=True):
    customer: str | None = None


class Search(Params, kw_only=True):
    query: str
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


def create(call: Call, params: Create) -> Json:
    """A new intent; confirmed at once if asked."""
    currency = params.currency.lower()
    _check_amount(params.amount, currency)
    card = card_of(params.payment_method) if params.payment_method else None
    fields: Json = {
        "amount": params.amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": {
            "enabled": params.automatic_payment_methods.enabled,
            "allow_redirects": params.automatic_payment_methods.allow_redirects,
        }
        if params.automatic_payment_methods
        else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.capture_method,
        "client_secret": None,
        "confirmation_method": params.confirmation_method,
        "currency": currency,
        "customer": params.customer,
        "description": params.description,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": params.metadata,
        "next_action": None,
        "payment_method": params.payment_method,
        "payment_method_types": ["card"],
        "setup_future_usage": params.setup_future_usage,
        "statement_descriptor_suffix": params.statement_descriptor_suffix,
        "status": "requires_confirmation" if card else "requires_payment_method",
        "transfer_group": params.transfer_group,
    }
    intent = call.new("payment_intent", fields)
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(8)}"
    call.store.put(intent)
    call.announce("payment_intent.created", intent)
    return _confirmed(call, intent, off_session=params.off_session) if params.confirm else intent


def confirm(call: Call, params: Confirm) -> Json:
    """Charge or hold. A decline is a 402 that leaves the intent asking for another payment method."""
    intent = call.need("payment_intent", call.ids[0], "intent")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    if params.payment_method:
        card_of(params.payment_method)
        intent["payment_method"] = params.payment_method
    intent["capture_method"] = params.capture_method or intent["capture_method"]
    return _confirmed(call, intent, off_session=params.off_session)


def cancel(call: Call, params: Cancel) -> Json:
    """Let the money go, or close an intent that never held any."""
    intent = call.need("payment_intent", call.ids[0], "intent")
    if intent["status"] not in CANCELABLE:
        raise unexpected(intent, "cancel")
    return release(call, intent, params.cancellation_reason)


def release(call: Call, intent: Json, reason: str | None) -> Json:
    """Close an intent; what was held goes back to the buyer."""
    held = intent["status"] == "requires_capture"
    intent |= {
        "status": "canceled",
        "canceled_at": call.now,
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
        "_due": None,
    }
    call.store.put(intent)
    if held:
        charge = call.need("charge", intent["latest_charge"])
        charge |= {"amount_refunded": charge["amount"], "refunded": True}
        call.store.put(charge)
        call.announce("charge.expired" if reason == "automatic" else "charge.refunded", charge)
    call.announce("payment_intent.canceled", intent)
    return intent


def get(call: Call, params: Params) -> Json:
    """One intent."""
    del params
    return call.need("payment_intent", call.ids[0], "intent")


def find(call: Call, params: IntentList) -> Json:
    """Intents, newest first."""
    return page(call, "payment_intent", "/v1/payment_intents", params, [("$.customer", "=", params.customer)])


def search(call: Call, params: Search) -> Json:
    """Intents by one metadata value, the one form of query that is simulated: ``metadata['step']:'…'``."""
    query = QUERY.match(params.query)
    if query is None:
        raise invalid("The sandbox searches by one metadata value: metadata['name']:'value'", param="query")
    name, value = query.groups()
    found = call.store.find("payment_intent", call.account, [(f"$.metadata.{name}", "=", value)], limit=params.limit)
    return listed([public(intent) for intent in found], "/v1/payment_intents/search") | {"object": "search_result", "next_page": None}


def unexpected(intent: Json, verb: str) -> Exception:
    """The refusal for an intent in a state that does not allow `verb`."""
    message = f"This PaymentIntent's status is {intent['status']}: you cannot {verb} it."
    return refused(message, code="payment_intent_unexpected_state", payment_intent=public(intent))


def authenticate(call: Call, intent: Json, *, succeed: bool) -> Json:
    """The holder answered the 3-D Secure challenge (a control of the sandbox, not of Stripe)."""
    if intent["status"] != "requires_action":
        raise unexpected(intent, "authenticate")
    intent["next_action"] = None
    if succeed:
        return _held(call, intent, card_of(intent["payment_method"]))
    error: Json = {"type": "card_error", "code": "payment_intent_authentication_failure", "message": "The holder failed authentication."}
    intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
    call.announce("payment_intent.payment_failed", intent)
    return call.store.put(intent)


def _confirmed(call: Call, intent: Json, *, off_session: bool) -> Json:
    if intent["payment_method"] is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method.", code="payment_intent_unexpected_state"
        )
    card = card_of(intent["payment_method"])
    if card.challenge and off_session:
        card = TestCard(
            code="authentication_required",
            decline_code="authentication_required",
            message="Your card was declined. Authentication is required.",
        )
    if card.code:
        raise _decline(call, intent, card)
    if card.challenge:
        intent |= {
            "status": "requires_action",
            "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
        }
        call.announce("payment_intent.requires_action", intent)
        return call.store.put(intent)
    return _held(call, intent, card)


def _held(call: Call, intent: Json, card: TestCard) -> Json:
    manual = intent["capture_method"] == "manual"
    expires = call.now + HOLD_SECONDS
    charge = charges.of_intent(call, intent, card, expires if manual else None)
    intent |= {
        "latest_charge": charge["id"],
        "status": "requires_capture",
        "amount_capturable": intent["amount"],
        "last_payment_error": None,
    }
    intent["_due"] = expires if manual else None
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
    intent |= {"status": "requires_payment_method", "latest_charge": charge["id"], "last_payment_error": error, "payment_method": None}
    call.store.put(intent)
    call.announce("payment_intent.payment_failed", intent)
    return declined(card.message, code=code, decline_code=card.decline_code, charge=charge["id"], intent=public(intent))


def _check_amount(amount: int, currency: str) -> None:
    if amount < AMOUNT_MIN:
        raise invalid(f"Amount must be at least {AMOUNT_MIN} of the smallest unit of {currency}.", param="amount", code="amount_too_small")
    if amount > AMOUNT_MAX:
        raise invalid(f"Amount must be no more than {AMOUNT_MAX}.", param="amount", code="amount_too_large")
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid("Amounts in three-decimal currencies must end in 0.", param="amount", code="parameter_invalid_integer")
