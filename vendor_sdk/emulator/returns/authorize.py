"""Ask a vendor whether it takes units back; undone by `call_off`."""

from vendor_sdk.emulator import asks
from vendor_sdk.emulator.letters import keep
from vendor_sdk.emulator.model import Step
from vendor_sdk.emulator.returns import life
from vendor_sdk.emulator.returns.model import Return
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.turn import Turn, moment
from vendor_sdk.messages import Authorize, Authorized, Cancel, Inspect, Message, Refused, ReturnItem

AUTHORIZE, INSPECT, CANCEL = "returns.authorize", "returns.inspect", "returns.cancel"
NO_ANSWER = "no_answer"


def ask(turn: Turn, it: Return) -> None:
    """Its vendor is asked, by its spoke or by hand."""
    body = Authorize(
        sub_order_id=it.part_id,
        return_id=it.id,
        items=_items(it),
        pays_shipping=it.pays_shipping,
        note=it.note,
        answer_by=moment(it.authorize_by),
    )
    it.authorize_id = asks.ask(turn, turn.book.parts[it.part_id], body, within=turn.terms.return_authorization).id


def answered(turn: Turn, step: Step, said: Message | None) -> None:
    """What a vendor says, or its silence, which counts as a yes."""
    it = life.get(turn.book, step.body["return_id"])
    if it.state is not ReturnState.REQUESTED:
        return  # decided without it
    match said:
        case Authorized():
            authorize(turn, it, said)
        case Refused() if said.reason != NO_ANSWER:
            refuse(turn, it, said.reason)
        case _:
            authorize(turn, it, Authorized(sub_order_id=it.part_id), reason=NO_ANSWER)


def authorize(turn: Turn, it: Return, said: Authorized, *, reason: str = "") -> None:
    """The buyer may send the units; from now on they are waited for. Raises `Conflict`."""
    it.reference, it.instructions, it.documents, it.reason = said.reference, said.instructions, said.documents, None
    it.receive_by = turn.now + turn.terms.return_reception
    life.advance(turn, it, "authorize", reason)
    withdraw(turn, it)
    body = Inspect(sub_order_id=it.part_id, return_id=it.id, items=_items(it), answer_by=moment(it.receive_by))
    it.inspect_id = asks.ask(turn, turn.book.parts[it.part_id], body, within=turn.terms.return_reception).id


def refuse(turn: Turn, it: Return, reason: str) -> None:
    """Nothing is taken back. Raises `Conflict`."""
    it.reason = reason
    life.advance(turn, it, "refuse", reason)
    call_off(turn, it, reason)


def call_off(turn: Turn, it: Return, reason: str) -> None:
    """Nothing is waited for any more; a spoke that may have noted the return is told so."""
    withdraw(turn, it)
    asked = turn.book.steps[it.authorize_id]
    if asked.attempt and asked.outcome != "refused":
        body = Cancel(sub_order_id=it.part_id, return_id=it.id, authorize_command_id=asked.id, reason=reason)
        asks.ask(turn, turn.book.parts[it.part_id], body, undoes=asked.id)


def withdraw(turn: Turn, it: Return) -> None:
    """Neither of its questions is asked any more."""
    for name in (it.authorize_id, it.inspect_id):
        step = turn.book.steps.get(name)
        if step is not None and step.is_open:
            step.outcome = "withdrawn"


def overdue(turn: Turn, step: Step, it: Return) -> None:
    """Nothing has come in time: it expires; if the buyer has sent it, an operator has to find out where it is."""
    if it.state is ReturnState.AUTHORIZED:
        life.advance(turn, it, "expire", NO_ANSWER)
        call_off(turn, it, "expired")
    elif it.state is ReturnState.IN_TRANSIT:
        keep(turn, step.kind, "reception_overdue", "the buyer has sent it, and its vendor has not received it in time", step)


def _items(it: Return) -> list[ReturnItem]:
    return [ReturnItem(sku=line.sku, quantity=line.quantity, reason=line.reason) for line in it.lines]
