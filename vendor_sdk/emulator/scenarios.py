"""The scenarios by name, read from `scenarios.toml`."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.emulator.returns.model import Reason
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.states import State

FILE = Path(__file__).with_name("scenarios.toml")
Count = Annotated[int, Meta(ge=0, le=1_000_000)]


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """One thing that happens."""


class Place(Act, frozen=True, tag="order"):
    """A buyer orders so many units of the first offer, the second, …; it ends well in one of `ends`."""

    units: Annotated[list[Count], Meta(min_length=1, max_length=100)]
    ends: list[State]


class Until(Act, frozen=True, tag="until"):
    """Time passes until the last order is in one of these states, or at an end."""

    states: list[State]
    within: str = "120d"


class Advance(Act, frozen=True, tag="advance"):
    """The clock moves on."""

    by: str


class Cancel(Act, frozen=True, tag="cancel"):
    """The buyer cancels the last order."""


class Return(Act, frozen=True, tag="return"):
    """The buyer wants to send units of the last order's first line back; it ends well in one of `ends`."""

    ends: list[ReturnState]
    units: Annotated[int, Meta(ge=1)] = 1
    reason: Reason = "changed_mind"


class UntilReturn(Act, frozen=True, tag="until-return"):
    """Time passes until the last return is in one of these states, or nothing is waited for."""

    states: list[ReturnState]
    within: str = "40d"


class SendBack(Act, frozen=True, tag="send-back"):
    """The buyer sends the units of the last return."""


class CancelReturn(Act, frozen=True, tag="cancel-return"):
    """The buyer keeps the units of the last return."""


class Refund(Act, frozen=True, tag="refund"):
    """All that is left of the last order goes back."""


class HoldBack(Act, frozen=True, tag="hold-back"):
    """What the vendor says to a kind of command is on its way for so long."""

    command: str
    by: str


class Cut(Act, frozen=True, tag="cut"):
    """The vendor's system is out of reach for so many calls, or until a breaker opens."""

    calls: Annotated[int, Meta(ge=1)]


AnyAct = Place | Until | Advance | Cancel | Return | UntilReturn | SendBack | CancelReturn | Refund | HoldBack | Cut


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens, act by act."""

    says: str
    acts: list[AnyAct]

    @property
    def offers(self) -> int:
        """How many offers it needs."""
        return max((len(act.units) for act in self.acts if isinstance(act, Place)), default=0)


def scenarios() -> dict[str, Scenario]:
    """All of them."""
    return msgspec.convert(tomllib.loads(FILE.read_text("utf-8")), dict[str, Scenario])
