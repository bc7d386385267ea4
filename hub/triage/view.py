"""Dead letters as they are shown: to operators with all that is known, to vendors with what concerns their own system."""

from datetime import datetime
from typing import Any

import msgspec

from hub.kernel.money import Money
from hub.letters import store
from hub.letters.states import LetterState
from hub.letters.store import Letter
from hub.runtime import audit, failures, story
from hub.runtime.audit import Act
from hub.runtime.database import Tx
from hub.runtime.failures import Failure
from hub.runtime.story import Moment
from hub.triage import quarantine
from hub.triage.quarantine import Quarantine, covers

ACTS_SHOWN = 100


class LetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A failure. `times` is how often the same has failed, `saga_id` its order, `subject_id` the part or refund it is about.

    `at_risk` is what is lost if nobody mends it; `resolution` how it ended, or the compensation it was discarded for.
    """

    id: str
    version: int
    state: LetterState
    source: str
    target: str
    kind: str
    reason: str
    detail: str
    fingerprint: str
    attempts: int
    times: int
    step_id: str | None
    saga_id: str | None
    subject_id: str | None
    at_risk: Money | None
    assignee: str | None
    resolution: str | None
    created_at: datetime
    last_at: datetime
    ended_at: datetime | None


class Inspected(LetterView, frozen=True, kw_only=True):
    """The same with everything around it; `original` is the payload before it was edited, null if it was not."""

    headers: dict[str, str]
    payload: str
    original: str | None
    breakers: dict[str, str] | None
    failures: list[Failure]
    timeline: list[Moment]
    acts: list[Act]
    quarantines: list[Quarantine]


class VendorLetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as its vendor sees it: what it was told and what went wrong with it."""

    id: str
    version: int
    state: LetterState
    kind: str
    reason: str
    detail: str
    fingerprint: str
    attempts: int
    times: int
    subject_id: str | None
    payload: str
    resolution: str | None
    created_at: datetime
    last_at: datetime
    failures: list[Failure]


def shown(letter: Letter) -> LetterView:
    """A letter in a list."""
    return LetterView(**_facts(letter, LetterView))


def shown_to_vendor(letter: Letter, attempts: list[Failure]) -> VendorLetterView:
    """A letter as its vendor sees it."""
    return VendorLetterView(**_facts(letter, VendorLetterView), failures=attempts)


async def inspect(tx: Tx, letter_id: str) -> Inspected:
    """A letter with its order's timeline, every attempt known, and what people did with it. Raises `NotFound`."""
    letter = await store.get(tx, letter_id)
    return Inspected(
        **_facts(letter, Inspected),
        failures=[] if letter.step_id is None else await failures.of_step(tx, letter.step_id),
        timeline=await story.of_saga(tx, letter.story_id),
        acts=await audit.acts(tx, subject_id=letter.id, limit=ACTS_SHOWN),
        quarantines=[bar for bar in await quarantine.standing(tx) if covers(bar, letter)],
    )


def _facts(letter: Letter, shape: type[msgspec.Struct]) -> dict[str, Any]:
    known = msgspec.structs.asdict(letter)
    if letter.at_risk is not None and letter.currency is not None:
        known["at_risk"] = Money(amount=letter.at_risk, currency=letter.currency)
    return {name: known[name] for name in shape.__struct_fields__ if name in known}
