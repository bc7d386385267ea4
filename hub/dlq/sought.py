"""Which dead letters are meant: one set of options, as the list is asked for and as a plan is filtered."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from hub.letters.states import LetterState


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Sought:
    """What is not given is not asked."""

    source: Annotated[str | None, Parameter(help="Who noticed: step, promise, event, provider, refund, payout, reconcile, law.")] = None
    target: Annotated[str | None, Parameter(help="The vendor's code, or @hub for what the hub does itself.")] = None
    kind: Annotated[str | None, Parameter(help="A command, an event, a step of ours: orders.submit.")] = None
    letter_reason: Annotated[str | None, Parameter(help="Why it failed: unanswered, malformed.")] = None
    fingerprint: str | None = None
    order: str | None = None
    assignee: str | None = None
    currency: str | None = None
    at_risk_min: Annotated[int | None, Parameter(help="So much money at risk or more, in minor units.")] = None
    since: Annotated[
        str | None, Parameter(help="Failed last at this moment or later: 2026-01-31 (midnight UTC), 2026-01-31T12:00:00Z.")
    ] = None
    until: Annotated[str | None, Parameter(help="Failed last before this moment.")] = None
    text: Annotated[str | None, Parameter(help="Stands somewhere in its detail.")] = None


ANY = Sought()


def query(sought: Sought, state: LetterState | None) -> dict[str, Any]:
    """The parameters of the list."""
    return _alike(sought) | {
        "state": None if state is None else state.value,
        "order": sought.order,
        "from": sought.since,
        "to": sought.until,
    }


def filter_of(sought: Sought, ids: tuple[str, ...]) -> dict[str, Any]:
    """The filter of a plan: the same, and letters by their ids."""
    asked = _alike(sought) | {
        "saga_id": sought.order,
        "failed_after": _moment(sought.since),
        "failed_before": _moment(sought.until),
        "ids": list(ids) or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _alike(sought: Sought) -> dict[str, Any]:
    names = ("source", "target", "kind", "fingerprint", "assignee", "currency", "at_risk_min", "text")
    return {name: getattr(sought, name) for name in names} | {"reason": sought.letter_reason}


def _moment(text: str | None) -> str | None:
    """A bare date begins at midnight UTC, as in the list; what is neither is left to the hub to refuse."""
    try:
        msgspec.convert(text, date)
    except msgspec.ValidationError:
        return text
    return f"{text}T00:00:00Z"
