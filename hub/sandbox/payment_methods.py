"""Payment methods: the test cards by their names, and cards saved for a customer under an id of their own."""

from typing import Any, Literal

from hub.sandbox.answers import Json, declined, invalid, missing, public, refused
from hub.sandbox.call import Call
from hub.sandbox.cards import CARDS, FAILS_LATER, TestCard
from hub.sandbox.forms import Params
from hub.sandbox.lists import PageParams, page

BILLING: Json = {
    "address": {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None},
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


class Attach(Params, kw_only=True):
    customer: str


class MethodList(PageParams, kw_only=True):
    customer: str | None = None
    type: Literal["card"] | None = None


class OfCustomer(PageParams, kw_only=True):
    type: Literal["card"] | None = None


def card_of(call: Call, identity: str) -> TestCard:
    """How that payment method behaves. Raises `Problem` for one that neither Stripe's tests nor the sandbox know."""
    card = CARDS.get(identity)
    if card is not None:
        return card
    saved = call.store.get(identity, "payment_method", call.account)
    if saved is None:
        raise missing("PaymentMethod", identity, "payment_method")
    return CARDS[saved["_card"]]


def is_set_up(call: Call, identity: str) -> bool:
    """Whether the holder has agreed to later payments."""
    saved = call.store.get(identity, "payment_method", call.account)
    return saved is not None and bool(saved.get("_set_up"))


def check_owner(call: Call, identity: str, customer: str | None) -> None:
    """Raises `Problem` if the payment method is saved for somebody else."""
    saved = call.store.get(identity, "payment_method", call.account)
    if saved is not None and saved["customer"] != customer:
        raise invalid(f"The customer does not have a payment method with the ID {identity}.", param="payment_method")


def save(call: Call, identity: str, customer: str, *, set_up: bool) -> Json:
    """Keep the card for the customer; a test card's name becomes a payment method of its own."""
    fields = _fields(identity) if identity in CARDS else None
    method = call.new("payment_method", fields) if fields else call.need("payment_method", identity, "payment_method")
    fresh = method["customer"] is None
    method |= {"customer": customer, "_set_up": set_up or method.get("_set_up", False)}
    call.store.put(method)
    if fresh:
        call.announce("payment_method.attached", method)
    return method


def attach(call: Call, params: Attach) -> Json:
    """Save a card for a customer. A card that is attached without a SetupIntent was agreed to by nobody."""
    identity = call.ids[0]
    call.need("customer", params.customer, "customer")
    card = card_of(call, identity)
    if card.code and identity != FAILS_LATER:
        raise declined(card.message, code=card.code, decline_code=card.decline_code)
    if identity not in CARDS and call.need("payment_method", identity)["customer"] not in {None, params.customer}:
        raise refused("The payment method you provided has already been attached to a customer.", code="payment_method_unexpected_state")
    return save(call, identity, params.customer, set_up=False)


def detach(call: Call, params: Params) -> Json:
    """Forget a card; it cannot be used again."""
    del params
    method = call.need("payment_method", call.ids[0])
    if method["customer"] is None:
        raise refused("The payment method you provided is not attached to a customer.", code="payment_method_unexpected_state")
    method["customer"] = None
    call.store.put(method)
    call.announce("payment_method.detached", method)
    return method


def get(call: Call, params: Params) -> Json:
    """One payment method, saved or a test card by its name."""
    del params
    return shown(call, call.ids[0])


def shown(call: Call, identity: str) -> Json:
    """The payment method as an object."""
    if identity in CARDS:
        return {"id": identity, "object": "payment_method", "created": call.now, "livemode": False, **public(_fields(identity))}
    return public(call.need("payment_method", identity, "payment_method"))


def find(call: Call, params: MethodList) -> Json:
    """Saved payment methods, newest first."""
    return page(call, "payment_method", "/v1/payment_methods", params, [("$.customer", "=", params.customer)])


def of_customer(call: Call, params: OfCustomer) -> Json:
    """What is saved for one customer."""
    customer = call.need("customer", call.ids[0], "customer")["id"]
    return page(call, "payment_method", f"/v1/customers/{customer}/payment_methods", params, [("$.customer", "=", customer)])


def details(card: TestCard, amount: int, capture_before: int | None) -> Json:
    """``payment_method_details`` of a charge; `capture_before` (unix seconds) only while it is an authorization."""
    fields: Json = _card(card) | {
        "amount_authorized": amount,
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "three_d_secure": None,
    }
    if capture_before is not None:
        fields["capture_before"] = capture_before
    return {"card": fields, "type": "card"}


def _card(card: TestCard) -> dict[str, Any]:
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": None,
        "funding": "credit",
        "last4": card.last4,
        "regulated_status": "unregulated",
        "wallet": None,
    }


def _fields(name: str) -> Json:
    card = CARDS[name]
    return {
        "allow_redisplay": "unspecified",
        "billing_details": BILLING,
        "card": _card(card)
        | {
            "display_brand": card.brand,
            "generated_from": None,
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
        },
        "customer": None,
        "metadata": {},
        "type": "card",
        "_card": name,
    }
