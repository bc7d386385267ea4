"""Plays a scenario against the vendor's own adapter and says whether it ended well."""

import msgspec

from vendor_sdk.emulator import course, refund
from vendor_sdk.emulator.clock import duration
from vendor_sdk.emulator.emulator import Emulator
from vendor_sdk.emulator.faults import Fault
from vendor_sdk.emulator.laws import Expected, ExpectedReturn, breaches, is_over
from vendor_sdk.emulator.model import Book, Part
from vendor_sdk.emulator.refusals import NotFound, Refusal
from vendor_sdk.emulator.returns import answer, ask
from vendor_sdk.emulator.returns import states as return_states
from vendor_sdk.emulator.returns.model import Asked
from vendor_sdk.emulator.returns.model import Return as Back
from vendor_sdk.emulator.scenarios import (
    Advance,
    AnyAct,
    Cancel,
    CancelReturn,
    Cut,
    HoldBack,
    Place,
    Refund,
    Return,
    Scenario,
    SendBack,
    Until,
    UntilReturn,
)
from vendor_sdk.emulator.states import ENDS
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.errors import Misconfigured
from vendor_sdk.messages import Authorized, Inspected, Item, Parcel

COSTS_TIME = frozenset({Fault.LATE, Fault.REORDER})
"""Faults by which an answer may miss its time through nobody's doing."""
PARCEL = Parcel(carrier="post", tracking_number="BACK-1")
AFTERWARDS = 150 * 86400.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What did not hold, if anything; `ended` are the parts and returns as they are."""

    breaches: list[str]
    ended: list[Part | Back]


class Player:
    """One playing of one scenario."""

    def __init__(self, emulator: Emulator, patience: float) -> None:
        self._emulator = emulator
        self._patience = patience
        self._expected: list[Expected] = []
        self._returns: list[ExpectedReturn] = []
        self._may_be_late = bool(emulator.setup.dice.faults & COSTS_TIME)

    async def play(self, scenario: Scenario) -> Verdict:
        """Act by act, then until nothing happens any more. Raises `Misconfigured` where offers are missing."""
        book = self._emulator.book
        if len(book.offers) < scenario.offers:
            raise Misconfigured(f"the scenario needs {scenario.offers} offers: name them with --catalog")
        stock = {offer.sku: offer.stock for offer in book.offers.values()}
        for act in scenario.acts:
            await self._act(act)
        await self._emulator.until(is_over, AFTERWARDS, self._patience)
        after = self._emulator.book
        found = breaches(after, self._expected, self._returns, stock)
        return Verdict(breaches=found, ended=[*after.parts.values(), *after.returns.values()])

    async def _act(self, act: AnyAct) -> None:
        emulator = self._emulator
        match act:
            case Place():
                self._place(act)
            case Until():
                states = {*act.states, *ENDS}
                await emulator.until(lambda book: self._last(book).state in states, duration(act.within), self._patience)
            case Advance():
                seconds = duration(act.by)
                emulator.change(lambda turn: turn.note("", "clock", f"the clock moves on by {act.by}"))
                await emulator.until(lambda _: False, seconds, self._patience)
            case HoldBack():
                emulator.link.hold_back(act.command, duration(act.by))
            case Cut():
                assert emulator.vendor is not None, "a scenario is played against an adapter"
                emulator.vendor.cable.cut(act.calls)
            case UntilReturn() if self._returns:
                over = {*act.states, *return_states.OVER}
                await emulator.until(lambda book: self._last_return(book).state in over, duration(act.within), self._patience)
            case UntilReturn():
                pass  # the asking was refused
            case Cancel() | Return() | SendBack() | CancelReturn() | Refund():
                self._try(act)

    def _place(self, act: Place) -> None:
        def place(turn: Turn) -> Part:
            skus = list(turn.book.offers)
            return course.place(turn, [Item(sku=sku, quantity=units) for sku, units in zip(skus, act.units, strict=False) if units])

        part = self._emulator.change(place)
        self._expected.append(Expected(part_id=part.id, ends=frozenset(act.ends), may_be_late=self._may_be_late))

    def _try(self, act: Cancel | Return | SendBack | CancelReturn | Refund) -> None:
        """What a buyer wants may be refused: that is told, and part of the story."""
        try:
            asked = self._emulator.change(lambda turn: self._do(turn, act))
        except Refusal as no:
            said = f"refused: {no}"
            self._emulator.change(lambda turn: turn.note("", "refused", said))
            return
        if isinstance(act, Return) and asked is not None:
            self._returns.append(ExpectedReturn(return_id=asked.id, ends=frozenset(act.ends), may_be_late=self._may_be_late))

    def _do(self, turn: Turn, act: Cancel | Return | SendBack | CancelReturn | Refund) -> Back | None:
        """What the buyer does; and what a vendor's people do whose spoke takes nothing back."""
        part = self._last(turn.book)
        works_by_hand = "returns" not in turn.capabilities
        match act:
            case Cancel():
                course.cancel(turn, part.order_id)
            case Refund():
                refund.ask(turn, part, None, "goodwill", "operator:emulator")
            case Return():
                it = ask.ask(turn, part, [Asked(line_id=part.lines[0].id, quantity=act.units, reason=act.reason)])
                if works_by_hand:
                    answer.authorize_by_hand(turn, it, Authorized(sub_order_id=it.part_id))
                return it
            case SendBack():
                it = self._last_return(turn.book)
                ask.send_back(turn, it, PARCEL)
                if works_by_hand:
                    answer.receive_by_hand(turn, it, [Inspected(sku=line.sku, good=line.quantity) for line in it.lines])
            case CancelReturn():
                ask.cancel(turn, self._last_return(turn.book))
        return None

    def _last(self, book: Book) -> Part:
        return book.parts[self._expected[-1].part_id]

    def _last_return(self, book: Book) -> Back:
        if not self._returns:
            raise NotFound("unknown_return", "nothing is being sent back")
        return book.returns[self._returns[-1].return_id]
