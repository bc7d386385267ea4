"""Customers."""

from sqlalchemy import Column, DateTime, ForeignKey, Table, Text, func

from hub.runtime.database import IdText, metadata

customers = Table(
    "customers",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

provider_customers = Table(
    "provider_customers",
    metadata,
    Column("customer_id", IdText, ForeignKey("customers.id"), primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("reference", Text, nullable=False),
)
"""Under which id (``cus_…``) a provider keeps the payment methods that a customer has left for later."""
