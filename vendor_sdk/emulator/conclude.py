"""What an answer sets in motion, and what silence does."""

from collections.abc import Sequence

from vendor_sdk.emulator import asks, course, shortage
from vendor_sdk.emulator.letters import keep
from vendor_sdk.emulator.model import Part, Step
from vendor_sdk.emulator.refusals import Conflict
from vendor_sdk.emulator.returns import answer
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import (
    Accepted,
    Dead,
    Declined,
    Delivered,
    Kept,
    Message,
    Pending,
    Recalled,
    Refused,
    Reserved,
    Shipped,
    Shortfall,
)

NO_ANSWER = "no_answer"


def conclude(turn: Turn, step: Step, said: Message) -> bool:
    """Apply what the vendor said about an open step; False for what ends it not. Raises `Invalid` for what was not ordered."""
    part = turn.book.parts[step.part_id]
    match said:
        case Pending():
            _wait(turn, step)
            return False
        case Dead():
            _park(turn, step, said)
            return False
        case Refused() | Declined() | Kept():
            _end(step, "refused")
        case _:
            _end(step, "done")
    if step.kind in answer.ON:
        answer.ON[step.kind](turn, step, said)
    else:
        _follow(turn, part, said)
    return True


def by_hand(turn: Turn, part: Part, asked: str, said: Message) -> None:
    """The same said through the vendor API. Raises `Conflict` (``not_awaited``) where nobody waits for it."""
    step = next((step for step in turn.book.steps_of(part.id) if step.kind == asked and step.is_open), None)
    if step is None:
        detail = f"the order is {part.state}; this answer is not awaited"
        raise Conflict("not_awaited", detail, state=str(part.state), reason=part.reason)
    turn.note(part.id, "vendor.by_hand", f"the vendor answers {asked} by hand")
    conclude(turn, step, said)


def overdue(turn: Turn, step: Step) -> None:
    """Its time is over: what was not answered counts as no; of what should have left or arrived an operator is told."""
    part = turn.book.parts[step.part_id]
    _end(step, "overdue")
    turn.note(part.id, "step.overdue", f"{step.kind} was not answered in time")
    if step.kind in answer.ON:
        answer.ON[step.kind](turn, step, None)
    elif step.kind in {asks.RESERVE, asks.SUBMIT}:
        course.fall(turn, part, "decline", NO_ANSWER)
    else:
        keep(turn, step.kind, f"{step.kind.partition('.')[2]}_overdue", "nobody waits for it any more", step)


def ring(turn: Turn, step: Step, by: float) -> None:
    """What the vendor promised to have done `by` then is not done; it is waited for all the same."""
    step.is_overdue = True
    turn.note(step.part_id, "promise.break", f"{step.kind} was promised for {(turn.now - by) / 3600:.1f} h ago: it is late, not lost")


def _wait(turn: Turn, step: Step) -> None:
    t = turn.terms
    pause = min(t.ask_again * 2.0 ** min(step.pendings, 20), t.ask_again_max)
    step.pendings += 1
    step.due_at = turn.now + pause
    step.is_parked = False
    turn.note(step.part_id, "step.wait", f"{step.kind} is pending; asked again in {pause / 60:.0f} min")


def _park(turn: Turn, step: Step, said: Dead) -> None:
    step.is_parked = True
    keep(turn, step.kind, said.error, said.detail, step)
    if step.ends_at is None:
        _end(step, "dead")


def _end(step: Step, outcome: str) -> None:
    step.outcome = outcome


def _follow(turn: Turn, part: Part, said: Message) -> None:
    match said:
        case Reserved() if part.state is State.PLACED:
            course.reserved(turn, part)
        case Refused() if part.state is State.PLACED:
            _reserve_partly(turn, part, said)
        case Accepted() if part.state is State.ROUTED:
            _accept_partly(turn, part, said.short)
        case Declined() if part.state is State.ROUTED:
            course.fall(turn, part, "decline", said.reason)
        case Recalled() if part.state is State.RECALLING:
            course.stop(turn, part, part.reason or "canceled")
        case Kept() if part.state is State.RECALLING:
            course.advance(turn, part, "keep", said.reason)
        case Shipped() if part.state in {State.ACCEPTED, State.RECALLING}:
            course.shipped(turn, part, said)
        case Delivered() if part.state is State.SHIPPED:
            course.delivered(turn, part)
        case _:
            turn.note(part.id, "answer.heard", f"{type(said).__name__.lower()}: nothing follows, the sub-order is {part.state}")


def _reserve_partly(turn: Turn, part: Part, said: Refused) -> None:
    units = shortage.short_of(part, said.short)
    if not units or shortage.is_all(part, units):
        course.fall(turn, part, "decline", said.reason)
        return
    shortage.split_off(turn, part, units, said.short[0].reason)
    asks.reserve(turn, part)


def _accept_partly(turn: Turn, part: Part, short: Sequence[Shortfall]) -> None:
    units = shortage.short_of(part, short)
    if units and shortage.is_all(part, units):
        course.fall(turn, part, "decline", short[0].reason)
        return
    if units:
        shortage.split_off(turn, part, units, short[0].reason)
    course.accepted(turn, part)
