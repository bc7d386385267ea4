"""What follows when a question about a return has been answered or was not, and what a vendor decides by hand."""

from collections.abc import Callable, Sequence

from vendor_sdk.emulator.model import Step
from vendor_sdk.emulator.refusals import Conflict
from vendor_sdk.emulator.returns import authorize, life, receive
from vendor_sdk.emulator.returns.model import Return
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Authorized, Inspected, Message, Received


def _inspected(turn: Turn, step: Step, said: Message | None) -> None:
    it = life.get(turn.book, step.body["return_id"])
    if it.inspect_id != step.id:
        return  # it was asked again since
    if isinstance(said, Received):
        receive.receive(turn, it, said.items)
    else:
        authorize.overdue(turn, step, it)


def _nothing(_turn: Turn, _step: Step, _said: Message | None) -> None:
    """The vendor was told; nothing waits for that."""


ON: dict[str, Callable[[Turn, Step, Message | None], None]] = {
    authorize.AUTHORIZE: authorize.answered,
    authorize.INSPECT: _inspected,
    authorize.CANCEL: _nothing,
    receive.RESTOCK: _nothing,
}
"""By kind of step; what was said is None when its time is over."""


def refuse_by_hand(turn: Turn, it: Return, reason: str) -> None:
    """Nothing is taken back. Raises `Conflict` (``not_awaited``): a vendor that has agreed rejects units once it has seen them."""
    if it.state is not ReturnState.REQUESTED:
        raise Conflict("not_awaited", f"the return is {it.state}; this answer is not awaited", state=str(it.state))
    _note(turn, it)
    authorize.refuse(turn, it, reason)


def authorize_by_hand(turn: Turn, it: Return, said: Authorized) -> None:
    """The buyer may send it, also after it was refused. Raises `Conflict` where it is decided."""
    _note(turn, it)
    authorize.authorize(turn, it, said)


def receive_by_hand(turn: Turn, it: Return, found: Sequence[Inspected]) -> None:
    """So much has come back. Raises as `receive.receive` does."""
    _note(turn, it)
    receive.receive(turn, it, found)


def _note(turn: Turn, it: Return) -> None:
    turn.note(it.id, "vendor.by_hand", "the vendor answers by hand")
