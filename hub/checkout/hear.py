"""What vendors say over NATS: checked against who says it and what was asked, applied once, or kept for triage."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy.exc import IntegrityError

from hub.checkout.conclude import conclude, conclude_locked, give_up
from hub.checkout.timing import Timing
from hub.fulfillment.ship import SHIP, TRACK
from hub.kernel.errors import Conflict, Invalid
from hub.letters.keep import keep
from hub.letters.told import refused
from hub.orders import store as orders
from hub.returns import receive
from hub.returns.authorize import AUTHORIZE
from hub.runtime import inbox, steps, trespass
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.put_off import not_yet
from hub.runtime.steps import Outcome, Step, StepState, Verdict
from hub.runtime.trace import Trace, current
from vendor_sdk import messages, subjects
from vendor_sdk.messages import Authorized, Dead, Declined, Kept, Message, Pending, Received, Refused, Shipped

log = structlog.get_logger("hear")

ID_LENGTH_MAX = 200
ATTEMPT_DIGITS_MAX = 10
DELIVERED = "shipping.delivered"
DEAD = "spoke.dead"
ANSWERS_TO = {kind: frozenset(command for command, answers in messages.ANSWERS.items() if kind in answers) for kind in messages.EVENTS}
"""What each event may answer."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it came; `vendor` is whose stream it came from, `told_at` when the broker got it."""

    vendor: str
    subject: str
    headers: Mapping[str, str]
    body: bytes
    told_at: datetime | None = None


class Event(NamedTuple):
    """What was read of a message."""

    kind: str
    id: str
    body: Message


class Foreign(Exception):
    """The message is not what it claims to be: `reason` is ``malformed`` or ``foreign``; `of` is whose it claims to be."""

    def __init__(self, reason: str, detail: str, of: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.of = of


async def hear(database: Database, timing: Timing, heard: Heard) -> None:
    """Apply a message in one transaction. Whatever it is, it may be acknowledged once this returns."""
    trace = Trace.new(heard.headers.get(messages.CORRELATION_ID), heard.headers.get(messages.TRACEPARENT))
    current.set(trace)
    try:
        event = _read(heard)
        try:
            await _take(database, timing, heard, trace, event)
        except IntegrityError:  # a twin was faster: it was heard by now
            await _take(database, timing, heard, trace, event)
    except Foreign as error:
        await keep_for_triage(database, heard, error, trace)
    except Invalid as wrong:
        await keep_for_triage(database, heard, Foreign("malformed", f"{wrong.field}: {wrong.detail}"), trace)


async def _take(database: Database, timing: Timing, heard: Heard, trace: Trace, event: Event) -> None:
    async with database.tx(Actor("vendor", heard.vendor), trace) as tx:
        await _apply(tx, timing, heard, event)


async def hear_in(tx: Tx, timing: Timing, heard: Heard) -> None:
    """The same in a transaction of somebody's own. Raises `Foreign` or `Invalid` for what cannot be applied."""
    await _apply(tx, timing, heard, _read(heard), anyway=True)  # that it ends a step which is open stops a twin


async def hear_by_hand(tx: Tx, timing: Timing, step: Step, kind: str, body: Message) -> None:
    """What a vendor says through the vendor API, of an open step whose order is locked.

    Noted under the id that its spoke's event has, so that whichever comes second is one that was heard before.
    Raises `Invalid` for what was not ordered.
    """
    await conclude_locked(tx, timing, step, interpret(body))
    inbox.note(tx, step.target, subjects.event_id(step.id, kind), anyway=True)


async def _apply(tx: Tx, timing: Timing, heard: Heard, event: Event, *, anyway: bool = False) -> None:
    command_id = heard.headers.get(messages.COMMAND_ID, "")
    if isinstance(event.body, Pending):  # said more often than all else: where it answers what was asked, the step is put off, and no more
        subject, kinds = event.body.sub_order_id, ANSWERS_TO[event.kind]
        if await not_yet(tx, command_id, by=heard.vendor, subject_id=subject, kinds=kinds, seconds=timing.ask_again):
            log.info("event.heard", kind=event.kind, vendor=heard.vendor, step=command_id, applied=False)
            return
    asked = await inbox.asked(tx, command_id, heard.vendor, event.id)
    if asked is None or asked.target != heard.vendor:
        raise Foreign("foreign", "it answers nothing that this vendor was asked", of=None if asked is None else asked.target)
    step = await _answered(tx, heard, asked, event.kind, event.body)
    fresh = not asked.heard or isinstance(event.body, Pending | Dead)  # a death may be told again of each time that it was sent
    if fresh and step is not None and step.state == StepState.OPEN:  # an answer to what has ended is not worth a lock
        end = give_up if isinstance(event.body, Dead) else conclude
        applied = await end(tx, timing, step, msgspec.structs.replace(interpret(event.body), at=heard.told_at))
        log.info("event.heard", kind=event.kind, vendor=heard.vendor, step=step.id, applied=applied)
    if not asked.heard and not isinstance(event.body, Pending):  # which is no answer, and is noted nowhere
        inbox.note(tx, heard.vendor, event.id, anyway=anyway)


def interpret(body: Message) -> Outcome:
    """What an answer amounts to; anything that is not a clear yes or no is pending."""
    match body:
        case Refused() | Declined():
            return Outcome(verdict=Verdict.REFUSED, reason=body.reason, detail=body.detail, data=_short(body))
        case Kept():
            return Outcome.refused(body.reason)
        case Pending():
            return Outcome(verdict=Verdict.PENDING)
        case Dead():
            return Outcome.dead(body.error, body.detail)
        case _:
            return Outcome.ok(**_done(body))


def _done(body: Message) -> dict[str, Any]:
    """What a yes carries."""
    match body:
        case Shipped():
            return {"parcels": msgspec.to_builtins(body.parcels), **_documents(body)}
        case Received():
            return {"items": msgspec.to_builtins(body.items)}
        case Authorized():
            return {"reference": body.reference, "instructions": body.instructions, **_documents(body)}
        case _:
            return {"reference": getattr(body, "reference", ""), **_short(body)}


def _documents(body: Shipped | Authorized) -> dict[str, Any]:
    return {"documents": msgspec.to_builtins(body.documents)} if body.documents else {}


def _short(body: Message) -> dict[str, Any]:
    """Which units are not delivered, where the answer says so."""
    short = getattr(body, "short", [])
    return {"short": msgspec.to_builtins(short)} if short else {}


def attempt_of(headers: Mapping[str, str]) -> int:
    """Which asking of its command a message belongs to."""
    said = headers.get(messages.ATTEMPT, "1")
    return int(said) if said.isascii() and said.isdigit() and len(said) < ATTEMPT_DIGITS_MAX else 1


def _read(heard: Heard) -> Event:
    kind = subjects.kind_of(heard.subject)
    if subjects.vendor_of(heard.subject) != heard.vendor or kind not in messages.EVENTS:
        raise Foreign("malformed", f"no event has the subject {heard.subject}")
    event_id = heard.headers.get(messages.EVENT_ID, "")
    if not 1 <= len(event_id) <= ID_LENGTH_MAX:
        raise Foreign("malformed", f"the header {messages.EVENT_ID} is missing or too long")
    if heard.headers.get(messages.SCHEMA, messages.SCHEMA_VERSION) != messages.SCHEMA_VERSION:
        raise Foreign("malformed", f"schema {heard.headers[messages.SCHEMA]} is not known")
    if len(heard.body) > messages.BODY_BYTES_MAX:
        raise Foreign("malformed", "the body is too large")
    if b"\\u0000" in heard.body or any("\0" in value for value in heard.headers.values()):
        raise Foreign("malformed", "it holds a NUL, which PostgreSQL keeps nowhere")
    try:
        return Event(kind, event_id, messages.decode_event(kind, heard.body))
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Foreign("malformed", str(error)) from error


async def _answered(tx: Tx, heard: Heard, step: Step, kind: str, body: Message) -> Step | None:
    """The step that a message under the id of `step` answers; None if it is early. Raises `Foreign` if it answers none."""
    if isinstance(body, Dead):
        return step if attempt_of(heard.headers) >= step.attempt else None  # it has been sent again since
    if getattr(body, "sub_order_id", None) != step.subject_id:
        named = await orders.vendor_of(tx, str(getattr(body, "sub_order_id", "")))
        raise Foreign("foreign", "it names another sub-order than the command", of=None if named == heard.vendor else named)
    if kind == DELIVERED and step.kind == SHIP:
        return await _tracking(tx, step)
    if isinstance(body, Received) and step.kind in {AUTHORIZE, receive.INSPECT}:
        return await _inspecting(tx, step, body)
    if kind not in messages.ANSWERS[step.kind]:
        raise Foreign("foreign", f"{kind} does not answer {step.kind}")
    return step


async def _tracking(tx: Tx, shipped: Step) -> Step | None:
    """Delivery told under the ship command ends the tracking; if it overtook the shipment, tracking will ask for it."""
    same = [s for s in await steps.of_saga(tx, shipped.saga_id) if s.subject_id == shipped.subject_id]
    return next((s for s in same if s.kind == TRACK and s.state == StepState.OPEN), None)


async def _inspecting(tx: Tx, asked: Step, body: Received) -> Step | None:
    """Units that are back end the inspection of their return. Raises `Foreign` where nobody waits for them: an operator has to know.

    Under the order's lock, which is therefore taken before the event is noted: else who calls the return off between this
    look and the answer would make them heard and forgotten.
    """
    await orders.lock(tx, asked.saga_id)
    try:
        return await receive.awaited(tx, asked, body.items)
    except Conflict as lost:
        raise Foreign(lost.slug, lost.detail) from lost


async def keep_for_triage(database: Database, heard: Heard, error: Foreign, trace: Trace) -> None:
    """Keep what cannot be applied, with why."""
    log.warning("event.refused", vendor=heard.vendor, subject=heard.subject, reason=error.reason, detail=error.detail)
    async with database.tx(Actor("vendor", heard.vendor), trace) as tx:
        await keep(tx, refused("event", heard, error.reason, error.detail))
        if error.of is not None:
            about = f"{heard.subject} under {heard.headers.get(messages.COMMAND_ID, '')[:ID_LENGTH_MAX]} of {error.of}"
            await trespass.note(tx, tx.actor, "event", about)
