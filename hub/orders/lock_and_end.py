"""Ends a step of an order under the order's lock, as every answer does."""

import msgspec
from sqlalchemy import text

from hub.orders import store
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.runtime.steps import Outcome, Step

LOCK_AND_END = text("""
    WITH locked AS MATERIALIZED (SELECT now() AS began FROM orders WHERE id = :order FOR UPDATE)
    UPDATE steps SET state = :state, verdict = :verdict, reply = CAST(:reply AS jsonb), ended_at = now()
    FROM (SELECT 1) one LEFT JOIN locked ON true
    WHERE steps.id = :step AND steps.state = 'open'
    RETURNING locked.began
""")
"""Who waited for the lock sees the step as it is by then: PostgreSQL looks again at a row that somebody has changed meanwhile."""


async def lock_and_end(tx: Tx, step: Step, outcome: Outcome) -> bool:
    """`store.lock` and `steps.end`, in one round trip where the step is open; False if it had ended before."""
    said = {"state": steps.ended(outcome), "verdict": outcome.verdict, "reply": msgspec.json.encode(outcome).decode()}
    row = await tx.row(LOCK_AND_END, {"order": step.saga_id, "step": step.id, **said})
    if row is None:  # it had ended when this began; whoever has the lock may be opening it again
        await store.lock(tx, step.saga_id)
        return await steps.end(tx, step.id, outcome)
    tx.wrote = True
    tx.began = row.began or tx.began
    tx.held[step.saga_id] = None
    return True
