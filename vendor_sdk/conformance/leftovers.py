"""Owns what a trial may have left in the vendor's system: units set aside and orders, until they are answered for; pure."""

from vendor_sdk.conformance import commands
from vendor_sdk.conformance.heard import Heard, short
from vendor_sdk.errors import Unsupported
from vendor_sdk.messages import Kept, Recall, Recalled, Release, Released, Reserve, Submit
from vendor_sdk.ports import CommandBody

TOLD_MAX = 3
"""So many are named; of the others the number is enough."""


class Leftovers:
    """What was asked for and not surely undone. A crash, a late answer or a wrong one leaves it here."""

    def __init__(self) -> None:
        self._asked: dict[str, Reserve | Submit] = {}
        self._why: dict[str, str] = {}

    def ask(self, body: CommandBody, command_id: str) -> None:
        """It is about to be asked: from now on it may be there."""
        if isinstance(body, Reserve | Submit):
            self._asked[command_id] = body

    def hear(self, body: CommandBody, command_id: str, heard: Heard) -> None:
        """What came of it, from a system that is well, or from an adapter that did not ask its system."""
        match body, heard.body:
            case Release(), Released():
                self._asked.pop(body.reserve_command_id, None)
            case Recall(), Recalled() | Kept():
                self._asked.pop(body.submit_command_id, None)
            case ((Reserve() | Submit()), _) if isinstance(heard.error, Unsupported):
                self._asked.pop(command_id, None)
            case _:
                pass

    def undoing(self) -> list[tuple[str, Release | Recall]]:
        """What gives each back, by the command that asked for it; what was set aside first."""
        held = [(key, commands.release(body.sub_order_id, key)) for key, body in self._asked.items() if isinstance(body, Reserve)]
        ordered = [(key, commands.recall(body.sub_order_id, key)) for key, body in self._asked.items() if isinstance(body, Submit)]
        return [*held, *ordered]

    def failed(self, command_id: str, why: str) -> None:
        """What a command asked for could not be undone."""
        self._why[command_id] = why

    def told(self) -> str:
        """In words, for a report; empty if nothing is left."""
        if not self._asked:
            return ""
        named = [
            f"{commands.kind_of(body)} of {body.sub_order_id} ({self._why.get(key, 'no time to undo it')})"
            for key, body in list(self._asked.items())[:TOLD_MAX]
        ]
        more = len(self._asked) - len(named)
        return short(f"may be left in your system: {'; '.join(named)}{f'; and {more} more' if more else ''}")
