"""What the spoke says, checked against what was asked and applied once; what cannot be is kept as a letter."""

from collections.abc import Mapping

import msgspec

from vendor_sdk import messages
from vendor_sdk.emulator import asks
from vendor_sdk.emulator.conclude import conclude
from vendor_sdk.emulator.letters import keep
from vendor_sdk.emulator.model import Step
from vendor_sdk.emulator.refusals import Conflict, Invalid
from vendor_sdk.emulator.returns import authorize, receive
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Dead, Message, Pending, Received

DELIVERED = "shipping.delivered"


class Foreign(Exception):
    """It answers nothing that was asked."""


def hear(turn: Turn, kind: str, headers: Mapping[str, str], body: bytes) -> None:
    """Apply an event."""
    try:
        said = messages.decode_event(kind, body)
        step = _asked(turn, kind, headers, said)
    except (KeyError, Foreign, msgspec.MsgspecError, UnicodeDecodeError) as error:
        keep(turn, kind, "foreign", str(error))
        return
    except Conflict as lost:
        keep(turn, kind, lost.slug, str(lost), turn.book.steps[headers[messages.COMMAND_ID]])
        return
    event_id = headers.get(messages.EVENT_ID, "")
    is_new = event_id not in turn.book.heard
    if not isinstance(said, Pending | Dead):
        turn.book.heard.add(event_id)
    if not is_new or step is None or not step.is_open:
        turn.note(step.part_id if step else "", "answer.again", f"{kind} was heard before, or its step has ended: nothing follows")
        return
    turn.note(step.part_id, "answer.heard", f"the vendor says {kind}")
    try:
        conclude(turn, step, said)
    except Invalid as wrong:
        step.outcome = ""
        turn.book.heard.discard(event_id)  # what is right may still be told
        keep(turn, kind, "malformed", f"{wrong.field}: {wrong}", step)


def _asked(turn: Turn, kind: str, headers: Mapping[str, str], said: Message) -> Step | None:
    """The step that it answers; None if it is of an attempt before. Raises `Conflict` for goods that nobody waits for."""
    step = turn.book.steps.get(headers.get(messages.COMMAND_ID, ""))
    if step is None:
        raise Foreign("it answers nothing that this vendor was asked")
    if isinstance(said, Dead):
        return step if int(headers.get(messages.ATTEMPT, "1")) >= step.attempt else None
    if getattr(said, "sub_order_id", None) != step.part_id:
        raise Foreign("it names another sub-order than the command")
    if kind == DELIVERED and step.kind == asks.SHIP:
        same = turn.book.steps_of(step.part_id)
        return next((other for other in same if other.kind == asks.TRACK and other.is_open), None)
    if isinstance(said, Received) and step.kind in {authorize.AUTHORIZE, authorize.INSPECT}:
        return receive.awaited(turn.book, step, said.items)
    if kind not in messages.ANSWERS[step.kind]:
        raise Foreign(f"{kind} does not answer {step.kind}")
    return step
