"""Customers: whom cards are saved for."""

import msgspec

from hub.sandbox import payment_methods
from hub.sandbox.answers import Json
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page


class Update(Params, kw_only=True):
    description: str | None = None
    email: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    name: str | None = None
    phone: str | None = None


class Create(Update, kw_only=True):
    payment_method: str | None = None


class CustomerList(ListParams, kw_only=True):
    email: str | None = None


def create(call: Call, params: Create) -> Json:
    """A new customer, with a card if one is given."""
    fields: Json = {
        "address": None,
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": params.description,
        "email": params.email,
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
        "metadata": params.metadata,
        "name": params.name,
        "phone": params.phone,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    customer = call.new("customer", fields)
    if params.payment_method:
        payment_methods.card_of(call, params.payment_method)
        payment_methods.save(call, params.payment_method, customer["id"], set_up=False)
    call.announce("customer.created", customer)
    return customer


def update(call: Call, params: Update) -> Json:
    """Change what is given."""
    customer = call.need("customer", call.ids[0])
    for name in ("description", "email", "name", "phone"):
        customer[name] = getattr(params, name) or customer[name]
    customer["metadata"] |= params.metadata
    call.store.put(customer)
    call.announce("customer.updated", customer)
    return customer


def get(call: Call, params: Params) -> Json:
    """One customer."""
    del params
    return call.need("customer", call.ids[0])


def find(call: Call, params: CustomerList) -> Json:
    """Customers, newest first."""
    return page(call, "customer", "/v1/customers", params, [("$.email", "=", params.email)])
