"""What a vendor has to show before it sells, as data (`config/onboarding.toml`), and how each of it stands (pure)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hub.onboarding.model import Certificate, Channel, RequirementName, RequirementStanding, RequirementState
from hub.vendors.states import VendorState

Kind = Literal["identity", "terms", "tax", "channel", "review"]
ONCE: tuple[Kind, ...] = ("identity", "tax", "channel", "review")
"""Kinds of which there is at most one; terms there may be several."""
REQUIREMENTS_MAX = 50

GIVE_IN: Mapping[Kind, frozenset[VendorState]] = {
    "terms": frozenset({VendorState.ONBOARDING, VendorState.ACTIVE, VendorState.SUSPENDED}),
    "tax": frozenset({VendorState.ONBOARDING}),
    "channel": frozenset({VendorState.ONBOARDING}),
}
"""When a vendor may give what is asked: newer terms also later, what was reviewed not behind the reviewer's back."""


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to show; without `countries` every vendor has to.

    `version` and `url` are of terms, `channels` and the `levels` a certified adapter must have passed of the channel.
    """

    name: RequirementName
    kind: Kind
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    countries: list[str] = []
    version: str = ""
    url: str = ""
    channels: list[Channel] = []
    levels: list[str] = []


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor gave, when and who it said it was; `refusal` is why an operator did not take it."""

    name: str
    given: dict[str, Any]
    given_at: datetime | None
    given_by: str
    refusal: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How the vendor's account with the payment provider stands."""

    opened: bool
    ready: bool
    due: list[str]
    reason: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one vendor."""

    state: VendorState
    country: str
    identity: Identity
    given: Mapping[str, Given]
    certificates: Sequence[Certificate]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    requirements: Annotated[list[Requirement], Meta(max_length=REQUIREMENTS_MAX)]


Requirements = tuple[Requirement, ...]


def requirements_from(data: Mapping[str, object]) -> Requirements:
    """The list from the data of the file. Raises `ValueError` naming the field."""
    try:
        found = msgspec.convert(data, _File).requirements
    except msgspec.ValidationError as wrong:
        raise ValueError(f"onboarding: {wrong}") from wrong
    names: set[str] = set()
    for number, each in enumerate(found):
        here = f"onboarding: requirements[{number}]"
        if each.name in names:
            raise ValueError(f"{here}.name: {each.name} is taken")
        names.add(each.name)
        if each.kind == "terms" and not each.version:
            raise ValueError(f"{here}.version: terms have one, lest nobody know to what was agreed")
        if each.kind != "channel" and each.levels:
            raise ValueError(f"{here}.levels: only a channel has them")
        if each.kind == "channel" and not each.channels:
            raise ValueError(f"{here}.channels: there is no way to meet this")
    for kind in ONCE:
        if sum(each.kind == kind for each in found) > 1:
            raise ValueError(f"onboarding: requirements: more than one of kind {kind}")
    return tuple(found)


def of_country(requirements: Requirements, country: str) -> Requirements:
    """Those that a vendor of this country has to meet."""
    return tuple(each for each in requirements if not each.countries or country in each.countries)


def standings(requirements: Requirements, facts: Facts) -> list[RequirementStanding]:
    """How each requirement of this vendor stands, in the list's order."""
    return [_standing(each, facts) for each in of_country(requirements, facts.country)]


def missing(requirements: Requirements, facts: Facts) -> list[str]:
    """What the vendor itself has still to do: everything that is not met but the review."""
    return [each.name for each in standings(requirements, facts) if each.kind != "review" and each.state != "met"]


def _standing(requirement: Requirement, facts: Facts) -> RequirementStanding:
    given = facts.given.get(requirement.name)
    state, reason = _judged(requirement, facts, given)
    if given is not None and given.refusal and (requirement.kind != "review" or state == "missing"):
        state, reason = "refused", given.refusal
    return RequirementStanding(
        name=requirement.name,
        kind=requirement.kind,
        title=requirement.title,
        state=state,
        reason=reason,
        version=requirement.version,
        url=requirement.url,
        given={} if given is None else given.given,
        given_at=None if given is None else given.given_at,
        given_by="" if given is None else given.given_by,
    )


def _judged(requirement: Requirement, facts: Facts, given: Given | None) -> tuple[RequirementState, str]:
    match requirement.kind:
        case "identity":
            return _identity(facts.identity)
        case "terms":
            return _agreed(requirement, given)
        case "tax":
            return ("missing", "") if given is None or not given.given else ("met", "")
        case "channel":
            return _channel(requirement, facts, given)
        case "review":
            return _review(facts.state)


def _identity(identity: Identity) -> tuple[RequirementState, str]:
    if identity.ready:
        return "met", ""
    if not identity.opened:
        return "waiting", "the account with the payment provider is being opened"
    told = identity.reason or "the payment provider does not know enough yet"
    return "missing", f"{told}: {', '.join(identity.due)}" if identity.due else told


def _agreed(requirement: Requirement, given: Given | None) -> tuple[RequirementState, str]:
    version = given.given.get("version", "") if given is not None else ""
    if version == requirement.version:
        return "met", ""
    return "missing", f"version {version} was agreed to; now it is {requirement.version}" if version else ""


def _channel(requirement: Requirement, facts: Facts, given: Given | None) -> tuple[RequirementState, str]:
    if given is None or not given.given:
        return "missing", ""
    channel, adapter = given.given.get("channel"), given.given.get("adapter")
    if channel not in requirement.channels:
        return "missing", f"{channel} is not offered: {', '.join(requirement.channels)}"
    if channel != "adapter":
        return "met", ""
    reports = [each for each in facts.certificates if each.adapter == adapter]
    if not reports:
        return "missing", f"no report of the conformance kit on {adapter} was uploaded"
    lacking = min((sorted(set(requirement.levels) - set(each.levels)) for each in reports), key=len)
    return ("missing", f"{adapter} has not passed: {', '.join(lacking)}") if lacking else ("met", "")


def _review(state: VendorState) -> tuple[RequirementState, str]:
    match state:
        case VendorState.INVITED | VendorState.ONBOARDING:
            return "missing", ""
        case VendorState.IN_REVIEW:
            return "waiting", "an operator looks at it"
        case VendorState.ACTIVE | VendorState.SUSPENDED:
            return "met", ""
        case VendorState.CLOSING | VendorState.CLOSED:
            return "refused", "we have parted"
