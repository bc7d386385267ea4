"""Keeps what was given up on: a step that died, or a message that could not be what it claims to be."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.kernel.money import Money
from hub.letters.fingerprint import fingerprint
from hub.letters.states import LetterEvent, LetterState
from hub.letters.store import LETTER_LIFE
from hub.letters.tables import dead_letters
from hub.liveness.tables import vendor_liveness
from hub.runtime import failures
from hub.runtime.database import Tx
from hub.runtime.life import Seen
from hub.runtime.steps import HUB_TARGET, Outcome, Step

PAYLOAD_MAX = 256 * 1024


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
    subject_id: str | None = None
    attempts: int = 1
    at_risk: Money | None = None
    """What is lost if nobody mends it."""


_c = dead_letters.c
_KNOWN = select(_c.id, _c.state, _c.saga_id, _c.step_id, _c.attempts).where(_c.identity == bindparam("identity")).with_for_update()
_KEEP = insert(dead_letters).on_conflict_do_nothing()
_AGAIN = update(dead_letters).where(_c.id == bindparam("letter")).values(times=_c.times + 1, last_at=func.now(), version=_c.version + 1)
_BREAKERS = select(vendor_liveness.c.breakers).where(vendor_liveness.c.vendor == bindparam("code"))


async def keep(tx: Tx, given: Given) -> bool:
    """Keep it for triage; False if it was kept before, be it told again or failed again."""
    known = await tx.row(_KNOWN, {"identity": given.identity})
    if known is None:
        row = await _row(tx, given)
        if await tx.execute(_KEEP, row) == 1:
            LETTER_LIFE.born(tx, row["id"], given.saga_id or row["id"], {"reason": given.reason, "kind": given.kind})
            return True
    elif given.attempts > known.attempts or given.step_id != known.step_id:
        await _failed_again(tx, known, given)
    return False


async def _failed_again(tx: Tx, known: Any, given: Given) -> None:
    now = {"attempts": given.attempts, "step_id": given.step_id, "detail": _clean(given.detail)}
    await tx.execute(_AGAIN, {"letter": known.id, **now})
    if known.state in {LetterState.REPLAYING, LetterState.RESOLVED}:
        seen = Seen(known.id, known.saga_id or known.id, known.state)
        values = {"resolution": None, "ended_at": None}
        await LETTER_LIFE.advance_seen(tx, seen, LetterEvent.FAIL, reason=given.reason, values=values)


async def _row(tx: Tx, given: Given) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.structs.asdict(given)
    risk: Money | None = values.pop("at_risk")
    return values | {
        "id": tx.ids.new("dl"),
        "headers": {name: value.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, value in given.headers.items()},
        "payload": given.payload[:PAYLOAD_MAX].replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "detail": _clean(given.detail),
        "at_risk": None if risk is None else risk.amount,
        "currency": None if risk is None else risk.currency,
        "breakers": None if given.target == HUB_TARGET else await tx.scalar(_BREAKERS, {"code": given.target}),
        "fingerprint": fingerprint(given.target, given.kind, given.reason, given.detail),
    }


def _clean(detail: str) -> str:
    return detail[:4000].replace("\0", "")


async def keep_step(tx: Tx, step: Step, outcome: Outcome, *, once_for: str | None = None, at_risk: Money | None = None) -> bool:
    """Keep a step that was given up on. With `once_for` other steps that fail for the same reason leave no further letter."""
    await failures.note(tx, step, f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason)
    return await keep(
        tx,
        Given(
            source="step",
            identity=f"step:{step.id}" if once_for is None else f"{once_for}:{outcome.reason}"[:500],
            target=step.target,
            kind=step.kind,
            reason=outcome.reason,
            detail=outcome.detail,
            headers={"traceparent": step.traceparent, "correlation_id": step.correlation_id},
            payload=msgspec.json.encode(step.payload).decode(),
            step_id=step.id,
            saga_id=step.saga_id,
            subject_id=step.subject_id,
            attempts=step.attempt,
            at_risk=at_risk or _said(step),
        ),
    )


def _said(step: Step) -> Money | None:
    """The money that a step names: what it would have moved."""
    match step.payload:
        case {"amount": int(amount), "currency": str(currency)} | {"total": int(amount), "currency": str(currency)}:
            return Money(amount=amount, currency=currency)
        case _:
            return None
