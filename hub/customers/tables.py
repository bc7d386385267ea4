"""Customers."""

from sqlalchemy import Column, DateTime, Table, Text, func

from hub.runtime.database import IdText, metadata

customers = Table(
    "customers",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
