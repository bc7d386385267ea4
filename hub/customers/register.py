"""Registers a customer with a first API key; the only writer of customers."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import insert

from hub.customers.tables import customers
from hub.kernel.text import END
from hub.runtime import auth
from hub.runtime.database import Actor, Tx


class NewCustomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer to be registered."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+" + END)]


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer."""

    id: str
    name: str
    email: str


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A new customer with its API key, shown this once: null when the answer is repeated."""

    customer: Customer
    key_id: str
    api_key: str | None


async def register(tx: Tx, new: NewCustomer) -> Registered:
    """A new customer; nothing is unique about one but its id."""
    customer = Customer(id=tx.ids.new("cus"), name=new.name, email=new.email)
    await tx.execute(insert(customers).values(msgspec.structs.asdict(customer)))
    issued = await auth.issue_key(tx, Actor("customer", customer.id))
    return Registered(customer=customer, key_id=issued.id, api_key=issued.key)
