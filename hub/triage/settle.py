"""Sees how what a dead letter is about has ended: resolved by its replay, by a late answer, or by a decision made without it."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy import bindparam, select

from hub.fulfillment.reserve import RELEASE, RESERVE
from hub.fulfillment.route import RECALL, SUBMIT
from hub.fulfillment.ship import SHIP, TRACK
from hub.letters import store
from hub.letters.states import LetterState
from hub.letters.store import OPEN, Letter
from hub.letters.tables import dead_letters
from hub.orders import store as orders
from hub.orders.states import SubOrderState
from hub.payments import store as payments
from hub.payments.authorize import VOID
from hub.payments.states import OPEN as HOLDS
from hub.refunds import send
from hub.refunds import store as refunds
from hub.refunds.states import RefundState
from hub.returns import store as returns
from hub.returns.authorize import AUTHORIZE
from hub.returns.receive import INSPECT
from hub.returns.states import ReturnState
from hub.runtime import steps
from hub.runtime.database import HUB, Database, Tx
from hub.runtime.steps import Step, StepState, Verdict
from hub.transfers import release, transfer
from hub.transfers import store as transfers
from hub.transfers.states import TransferState
from hub.triage.replay import lock
from hub.webhooks import store as provider_events

log = structlog.get_logger("triage")

AT_ONCE = 500

_c = dead_letters.c
_REPLAYING = select(_c.id).where(_c.state == LetterState.REPLAYING).order_by(_c.id).limit(bindparam("most"))
_ENDED = (
    select(_c.id)
    .join_from(dead_letters, steps.steps, steps.steps.c.id == _c.step_id)
    .where(_c.state == LetterState.OPEN, steps.steps.c.state != StepState.OPEN, _c.id > bindparam("after"))
    .order_by(_c.id)
    .limit(bindparam("most"))
)


class Settler:
    """Looks at all that is being replayed, and at a page of the others each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._after = ""

    async def once(self) -> None:
        """Resolve what has ended, each in a transaction of its own."""
        async with self._database.reading() as tx:
            replaying = [row.id for row in await tx.rows(_REPLAYING, {"most": AT_ONCE})]
            others = [row.id for row in await tx.rows(_ENDED, {"after": self._after, "most": AT_ONCE})]
        self._after = others[-1] if len(others) == AT_ONCE else ""
        for letter_id in replaying + others:
            try:
                async with self._database.tx(HUB) as tx:
                    await settle(tx, letter_id)
            except Exception as error:  # noqa: BLE001  # one letter's trouble is not the others'
                log.warning("letter.not_settled", letter=letter_id, error=repr(error))


async def settle(tx: Tx, letter_id: str) -> None:
    """Resolve a letter if what it is about has ended."""
    seen = await store.get(tx, letter_id)
    if seen.state not in OPEN or await resolution(tx, seen) is None:
        return
    letter = await lock(tx, letter_id)
    how = await resolution(tx, letter)
    if letter.state in OPEN and how is not None:
        await store.resolve(tx, letter, how)


async def resolution(tx: Tx, letter: Letter) -> str | None:
    """How a letter's matter has ended; None if it has not, or if only a person can tell."""
    if letter.source == "provider":
        event = await provider_events.get(tx, letter.headers["event"])
        return event.state if event.state in {"applied", "ignored"} else None
    if letter.source == "refund":
        return await _refund(tx, letter, letter.headers.get("refund", ""))
    step = await steps.get(tx, letter.step_id or "") if letter.source in {"step", "promise"} else None
    return None if step is None else await _of_step(tx, letter, step)


async def _of_step(tx: Tx, letter: Letter, step: Step) -> str | None:
    match step.state:
        case StepState.OPEN:
            return None
        case StepState.CANCELED:
            return "withdrawn"
        case StepState.DEAD:
            return await _of_part(tx, step)
        case _:
            pass
    look = _SUBJECTS.get(step.kind)
    if look is None or (step.verdict == Verdict.OK and step.kind != send.REFUND):  # a refund that was sent may have come back
        return f"answered: {step.verdict}"
    return await look(tx, letter, step.subject_id)


_STANDS_AT: Mapping[str, SubOrderState] = {SHIP: SubOrderState.ACCEPTED, TRACK: SubOrderState.SHIPPED, RECALL: SubOrderState.ACCEPTED}
_WAITS_AT: Mapping[str, ReturnState] = {AUTHORIZE: ReturnState.REQUESTED, INSPECT: ReturnState.IN_TRANSIT}


async def _of_part(tx: Tx, step: Step) -> str | None:
    """What a dead command was about was decided without it, or the part has gone another way since."""
    if step.kind in {RESERVE, SUBMIT}:
        return "decided without it"
    if step.kind in _WAITS_AT:
        state = (await returns.get(tx, step.payload["return_id"])).state
        return None if state is _WAITS_AT[step.kind] else f"the return is {state}"
    if step.kind == RELEASE or step.kind not in _STANDS_AT:
        return None
    part = (await orders.load(tx, step.saga_id)).part(step.subject_id)
    return None if part.state in {_STANDS_AT[step.kind], SubOrderState.RECALLING} else f"the part is {part.state}"


async def _refund(tx: Tx, letter: Letter, refund_id: str) -> str | None:
    state = (await refunds.refund(tx, refund_id)).state
    if state in {RefundState.SUCCEEDED, RefundState.DISPUTED}:
        return f"refund {state}"
    failed_otherwise = state is RefundState.FAILED and letter.state is LetterState.REPLAYING
    return "failed for another reason" if failed_otherwise else None


async def _transfer(tx: Tx, _: Letter, transfer_id: str) -> str | None:
    state = (await transfers.get(tx, transfer_id)).state
    return f"transfer {state}" if state in {TransferState.TRANSFERRED, TransferState.EMPTY} else None


async def _payment(tx: Tx, _: Letter, payment_id: str) -> str | None:
    state = (await payments.get(tx, payment_id)).state
    return None if state in HOLDS else f"payment {state}"


_SUBJECTS: Mapping[str, Callable[[Tx, Letter, str], Awaitable[str | None]]] = {
    send.REFUND: _refund,
    release.RELEASE: _transfer,
    transfer.TRANSFER_STEP: _transfer,
    VOID: _payment,
}
"""Where a refusal settles nothing: what does."""
