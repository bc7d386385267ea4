"""Payment intents: created, canceled, expired, read. `confirmations` holds the money, `captures` takes it."""

import re
import secrets
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hub.sandbox import confirmations, payment_methods
from hub.sandbox.answers import Json, invalid, public
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, listed, page

AMOUNT_MIN = 50
AMOUNT_MAX = 99_999_999
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
CANCELABLE = confirmations.CONFIRMABLE | {"requires_action", "requires_capture"}
QUERY = re.compile(r"""^metadata\[["'](\w+)["']\]:["']([^"']*)["']$""")

Currency = Annotated[str, Meta(pattern=r"^[a-zA-Z]{3}$")]
Metadata = dict[str, str]


class Automatic(Struct, forbid_unknown_fields=True):
    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class Create(confirmations.Manner, kw_only=True):
    amount: int
    currency: Currency
    automatic_payment_methods: Automatic | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic_async"
    confirm: bool = False
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    customer: str | None = None
    description: str | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None


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
    if params.customer:
        call.need("customer", params.customer, "customer")
    if params.payment_method:
        payment_methods.card_of(call, params.payment_method)
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
        "receipt_email": params.receipt_email,
        "setup_future_usage": params.setup_future_usage,
        "statement_descriptor_suffix": params.statement_descriptor_suffix,
        "status": "requires_confirmation" if params.payment_method else "requires_payment_method",
        "transfer_group": params.transfer_group,
    }
    intent = call.new("payment_intent", fields)
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(8)}"
    call.store.put(intent)
    call.announce("payment_intent.created", intent)
    if not params.confirm:
        return intent
    return confirmations.go(call, intent, params)


def cancel(call: Call, params: Cancel) -> Json:
    """Let the money go, or close an intent that never held any."""
    intent = call.need("payment_intent", call.ids[0], "intent")
    if intent["status"] not in CANCELABLE:
        raise confirmations.unexpected(intent, "cancel")
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


def _check_amount(amount: int, currency: str) -> None:
    if amount < AMOUNT_MIN:
        raise invalid(f"Amount must be at least {AMOUNT_MIN} of the smallest unit of {currency}.", param="amount", code="amount_too_small")
    if amount > AMOUNT_MAX:
        raise invalid(f"Amount must be no more than {AMOUNT_MAX}.", param="amount", code="amount_too_large")
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid("Amounts in three-decimal currencies must end in 0.", param="amount", code="parameter_invalid_integer")
