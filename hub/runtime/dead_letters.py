"""What was given up on, kept whole for triage: a step that died, or a message that could not be what it claims to be."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB, insert

from hub.runtime.database import IdText, Tx, metadata
from hub.runtime.steps import Outcome, Step

PAYLOAD_MAX = 256 * 1024

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("source", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("step_id", IdText, index=True),
    Column("saga_id", IdText, index=True),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("payload", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False, index=True),
    Column("state", Text, nullable=False, server_default="open"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("uq_dead_letters_identity", "identity", unique=True),
)
"""`identity` keeps the several ways in which one failure is noticed from standing here twice."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up on; `source` says who noticed."""

    source: str
    identity: str
    target: str
    kind: str
    reason: str
    detail: str
    headers: Mapping[str, str]
    payload: str
    step_id: str | None = None
    saga_id: str | None = None
    attempts: int = 1


_KEEP = insert(dead_letters).on_conflict_do_nothing()


async def keep(tx: Tx, given: Given) -> bool:
    """Keep it for triage; False if it was kept before."""
    values: dict[str, Any] = msgspec.structs.asdict(given)
    values |= {
        "id": tx.ids.new("dl"),
        "headers": {name: value.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, value in given.headers.items()},
        "payload": given.payload[:PAYLOAD_MAX].replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "detail": given.detail[:4000].replace("\0", ""),
        "fingerprint": hashlib.sha256(f"{given.target}|{given.kind}|{given.reason}".encode()).hexdigest()[:16],
    }
    return await tx.execute(_KEEP, values) == 1


async def keep_step(tx: Tx, step: Step, outcome: Outcome, *, once_for: str | None = None) -> bool:
    """Keep a step that died. With `once_for` other steps that fail for the same reason leave no further letter."""
    return await keep(
        tx,
        Given(
            source="step",
            identity=f"step:{step.id}:{step.attempt}" if once_for is None else f"{once_for}:{outcome.reason}"[:500],
            target=step.target,
            kind=step.kind,
            reason=outcome.reason,
            detail=outcome.detail,
            headers={"traceparent": step.traceparent, "correlation_id": step.correlation_id},
            payload=msgspec.json.encode(step.payload).decode(),
            step_id=step.id,
            saga_id=step.saga_id,
            attempts=step.attempt,
        ),
    )
