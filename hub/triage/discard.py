"""Gives a dead letter up, for a reason and with a chosen compensation, which runs after a while in which that can be undone."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import func

from hub.checkout.conclude import conclude_locked
from hub.checkout.drop import drop
from hub.checkout.hear import interpret
from hub.checkout.timing import Timing
from hub.fulfillment.reserve import RESERVE
from hub.fulfillment.route import SUBMIT
from hub.kernel.errors import Conflict, Invalid
from hub.letters import store
from hub.letters.states import LetterEvent, LetterState
from hub.letters.store import Letter
from hub.orders import store as orders
from hub.orders.states import FALLEN
from hub.refunds import send
from hub.refunds import store as refunds
from hub.refunds.states import RefundState
from hub.returns.answer import ON as OF_RETURNS
from hub.runtime import audit, revive, steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, StepState
from hub.triage.replay import lock
from vendor_sdk import messages
from vendor_sdk.messages import Message

COMPENSATE = "triage.compensate"
REASON = "given_up"

Compensation = Literal["cancel", "reroute", "by_hand"]
"""Nobody delivers the part and the buyer pays nothing for it; another vendor delivers it; it was done outside of us."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor would have told: an event's kind and its payload."""

    event: Annotated[str, Meta(min_length=1, max_length=64)]
    payload: dict[str, Any]


class Discard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a letter is given up and what makes up for it; `answer` only for what was done by hand."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    compensation: Compensation
    answer: Answer | None = None


DONE = {
    "stock.reserve": "stock.reserved",
    "stock.release": "stock.released",
    "orders.submit": "orders.accepted",
    "orders.recall": "orders.recalled",
    "shipping.track": "shipping.delivered",
    "stock.restock": "stock.restocked",
    "returns.authorize": "returns.authorized",
    "returns.cancel": "returns.canceled",
}
"""What a vendor would tell of a command that was done; of a shipment it also has to say by which parcels, of a return what came."""


async def discard(tx: Tx, letter_id: str, asked: Discard, *, version: int | None, grace: float) -> Letter:
    """Give a letter up; the compensation runs in `grace` seconds.

    Raises `NotFound`, `Invalid`, and `Conflict`: ``version_mismatch``, ``not_open``, or ``not_offered`` for a
    compensation that would make up for nothing.
    """
    letter = await lock(tx, letter_id)
    store.check(letter, version)
    if letter.state is not LetterState.OPEN:
        raise Conflict("not_open", f"it is {letter.state}", state=str(letter.state))
    await _check_offered(tx, letter, asked)
    await store.advance(tx, letter, LetterEvent.DISCARD, reason=asked.reason, resolution=asked.compensation)
    await audit.note(tx, "dead_letter.discarded", letter.id, why=asked.reason, before={"state": letter.state}, after=asked)
    step = NewStep(
        kind=COMPENSATE,
        target=HUB_TARGET,
        saga_id=letter.story_id,
        subject_id=letter.id,
        payload={"compensation": asked.compensation, "reason": asked.reason, "answer": msgspec.to_builtins(asked.answer)},
        after=grace,
    )
    await steps.add(tx, step)
    return await store.get(tx, letter.id, lock=True)


async def restore(tx: Tx, letter_id: str, why: str, *, version: int | None) -> Letter:
    """Undo a discard whose compensation has not run. Raises `NotFound`, and `Conflict`: ``version_mismatch``, ``compensated``."""
    letter = await lock(tx, letter_id)
    store.check(letter, version)
    unsent = letter.state is LetterState.DISCARDED and await steps.withdraw_unsent(tx, letter.story_id, COMPENSATE, letter.id)
    if not unsent:
        raise Conflict("compensated", f"it is {letter.state}: there is no compensation that could still be withdrawn")
    await store.advance(tx, letter, LetterEvent.RESTORE, reason=why, resolution=None)
    await audit.note(tx, "dead_letter.restored", letter.id, why=why, before={"compensation": letter.resolution})
    return await store.get(tx, letter.id, lock=True)


async def compensate(database: Database, timing: Timing, step: Step) -> None:
    """Run the compensation with the end of its step, in one transaction; what cannot be made up for so is open again."""
    try:
        async with database.tx() as tx:
            letter = await lock(tx, step.subject_id)
            if await steps.end(tx, step.id, Outcome.ok()) and letter.state is LetterState.DISCARDED:
                await _make_up(tx, timing, letter, step.payload)
                await store.advance(tx, letter, LetterEvent.COMPENSATE, ended_at=func.now())
    except (Conflict, Invalid) as no:
        async with database.tx() as tx:
            letter = await lock(tx, step.subject_id)
            if await steps.end(tx, step.id, Outcome.refused(no.slug, no.detail)) and letter.state is LetterState.DISCARDED:
                await store.advance(tx, letter, LetterEvent.RESTORE, reason=f"{no.slug}: {no.detail}"[:200], resolution=None)


async def _check_offered(tx: Tx, letter: Letter, asked: Discard) -> None:
    if asked.compensation == "by_hand":
        await _check_by_hand(tx, letter, asked.answer)
        return
    if asked.answer is not None:
        raise Invalid("not_by_hand", "an answer belongs to what was done by hand", field="/answer")
    of_part = letter.source in {"step", "promise"} and letter.kind in messages.COMMANDS and letter.kind not in OF_RETURNS
    if not of_part or letter.saga_id is None or letter.subject_id is None:
        raise Conflict("not_offered", "it is about no part of an order; only by_hand is offered")
    order = await orders.load(tx, letter.saga_id)
    part = order.part(letter.subject_id)
    if part.state in FALLEN:
        raise Conflict("not_offered", f"the part is {part.state}: there is nothing to make up for but by hand", state=str(part.state))
    step = await steps.get(tx, letter.step_id or "")
    undecided = step is not None and step.state == StepState.OPEN and step.kind in {RESERVE, SUBMIT}
    if asked.compensation == "reroute" and (order.on_shortage != "reroute" or not undecided):
        raise Conflict("not_offered", "the buyer has not agreed to another vendor, or the part is decided", on_shortage=order.on_shortage)


async def _check_by_hand(tx: Tx, letter: Letter, answer: Answer | None) -> None:
    step = None if letter.step_id is None else await steps.get(tx, letter.step_id)
    if step is not None and step.target == HUB_TARGET and step.state == StepState.OPEN:
        raise Conflict("not_offered", "the provider is still being asked, and what it did is unknown; it goes on by itself")
    if step is not None and step.kind in messages.COMMANDS:
        told(step, answer)
    elif answer is not None:
        raise Invalid("no_answer_needed", f"{letter.kind} is no command that a vendor answers", field="/answer")


def told(step: Step, answer: Answer | None) -> Message:
    """The answer to a command that was done by hand. Raises `Invalid`, naming the field."""
    if answer is None:
        if step.kind not in DONE:
            raise Invalid("answer_needed", f"{step.kind} is done by an answer: say which parcels, or which units", field="/answer")
        return messages.decode_event(DONE[step.kind], msgspec.json.encode({"sub_order_id": step.subject_id}))
    if answer.event not in messages.ANSWERS[step.kind] or answer.event.endswith("pending"):
        raise Invalid("wrong_answer", f"{answer.event} does not answer {step.kind}", field="/answer/event")
    try:
        body = messages.decode_event(answer.event, msgspec.json.encode(answer.payload))
    except msgspec.ValidationError as error:
        raise Invalid("malformed", str(error), field="/answer/payload") from error
    if getattr(body, "sub_order_id", None) != step.subject_id:
        raise Invalid("foreign", "it names another sub-order than the command", field="/answer/payload/sub_order_id")
    return body


async def _make_up(tx: Tx, timing: Timing, letter: Letter, asked: dict[str, Any]) -> None:
    match asked["compensation"]:
        case "cancel":
            await drop(tx, timing, letter.saga_id or "", letter.subject_id or "", REASON)
        case "reroute":
            step = await steps.get(tx, letter.step_id or "", lock=True)
            if step is not None:
                await conclude_locked(tx, timing, step, Outcome.dead(REASON, asked["reason"]))
        case _:
            await _by_hand(tx, timing, letter, asked)


async def _by_hand(tx: Tx, timing: Timing, letter: Letter, asked: dict[str, Any]) -> None:
    step = None if letter.step_id is None else await steps.get(tx, letter.step_id, lock=True)
    if step is not None and step.kind in messages.COMMANDS:
        body = told(step, msgspec.convert(asked["answer"], Answer | None))
        if step.state == StepState.DEAD:
            await revive.reopen(tx, step.id)
        await conclude_locked(tx, timing, step, interpret(body))
        return
    refund_id = letter.headers.get("refund") or (step.subject_id if step is not None and step.kind == send.REFUND else None)
    if refund_id is not None and (await refunds.refund(tx, refund_id)).state is RefundState.FAILED:
        await send.settle_by_hand(tx, refund_id, asked["reason"])
