"""Invitations of vendors, what vendors have given towards the requirements, and the reports on their adapters."""

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.runtime.database import IdText, metadata

vendor_invitations = Table(
    "vendor_invitations",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("vendor", IdText, ForeignKey("vendors.code"), nullable=False, index=True),
    Column("email", Text, nullable=False, server_default=""),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("accepted_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)
"""Only a token's hash is kept: who reads the table cannot join with it."""

vendor_requirements = Table(
    "vendor_requirements",
    metadata,
    Column("vendor", IdText, ForeignKey("vendors.code"), primary_key=True),
    Column("name", IdText, primary_key=True),
    Column("given", JSONB, nullable=False, server_default="{}"),
    Column("given_at", DateTime(timezone=True)),
    Column("given_by", Text, nullable=False, server_default=""),
    Column("refusal", Text, nullable=False, server_default=""),
)
"""`refusal` is why an operator did not take what was given; empty once it is given anew."""

vendor_certificates = Table(
    "vendor_certificates",
    metadata,
    Column("vendor", IdText, ForeignKey("vendors.code"), primary_key=True),
    Column("digest", IdText, primary_key=True),
    Column("adapter", Text, nullable=False),
    Column("sdk_version", Text, nullable=False),
    Column("levels", ARRAY(Text), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Reports as they were uploaded, byte by byte; `digest` is their SHA-256, `levels` those that were passed."""
