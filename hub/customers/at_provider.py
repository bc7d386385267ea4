"""Under which id a provider knows a customer who has left a payment method for later."""

from sqlalchemy import BindParameter, ScalarSelect, select
from sqlalchemy.dialects.postgresql import insert

from hub.customers.tables import provider_customers
from hub.runtime.database import Tx


def reference_of(customer_id: BindParameter[str], gateway: BindParameter[str]) -> ScalarSelect[str]:
    """As part of another statement: null where the provider does not know the customer."""
    c = provider_customers.c
    return select(c.reference).where(c.customer_id == customer_id, c.gateway == gateway).scalar_subquery()


_NOTE = insert(provider_customers).on_conflict_do_nothing()


async def note(tx: Tx, customer_id: str, gateway: str, reference: str) -> None:
    """Keep it; whoever was first stays."""
    values = {"customer_id": customer_id, "gateway": gateway, "reference": reference}
    await tx.execute(_NOTE, values)
