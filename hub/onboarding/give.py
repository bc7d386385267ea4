"""Takes what a vendor gives towards the requirements, and leads it to review once nothing is missing."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.onboarding import store
from hub.onboarding.model import AdapterName, Agreement, Certificate, ChannelChoice, Onboarding, Submit, TaxFacts
from hub.onboarding.requirements import GIVE_IN, Kind, Requirement, Requirements, missing, of_country, standings
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.vendors import store as vendors
from hub.vendors.advance import advance
from hub.vendors.states import VendorEvent

REPORT_BYTES_MAX = 256 * 1024
LEVELS_MAX = 50

Level = Annotated[str, Meta(min_length=1, max_length=64)]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How the adapter did at one level of the kit."""

    level: Level
    passed: bool


class ConformanceReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report of the conformance kit, as far as we read it: what else it says is kept and means nothing to us."""

    adapter: AdapterName
    sdk_version: Annotated[str, Meta(min_length=1, max_length=200)]
    levels: Annotated[list[Verdict], Meta(max_length=LEVELS_MAX)]
    made_at: Annotated[datetime, Meta(tz=True)]


async def look(tx: Tx, requirements: Requirements, code: str) -> Onboarding:
    """How far a vendor is. Raises `NotFound` (``unknown_vendor``)."""
    facts = await store.facts(tx, code)
    return Onboarding(
        vendor=code,
        state=facts.state,
        missing=missing(requirements, facts),
        requirements=standings(requirements, facts),
        certificates=list(facts.certificates),
    )


async def agree(tx: Tx, requirements: Requirements, code: str, name: str, terms: Agreement) -> Onboarding:
    """Agree to terms. Raises as `_asked` does, and `Conflict` (``terms_changed``) for a version that is not in force."""
    requirement = await _asked(tx, requirements, code, "terms", name)
    if terms.version != requirement.version:
        raise Conflict("terms_changed", f"in force is {requirement.version}", version=requirement.version, url=requirement.url)
    await _keep(tx, code, requirement, terms, terms.who)
    return await look(tx, requirements, code)


async def tell_taxes(tx: Tx, requirements: Requirements, code: str, facts: TaxFacts) -> Onboarding:
    """Say who is taxed. Raises as `_asked` does, and `Invalid` (``tax_id_missing``)."""
    requirement = await _asked(tx, requirements, code, "tax")
    if not (facts.vat_id or facts.tax_number or facts.exempt_because):
        raise Invalid("tax_id_missing", "a VAT id, a tax number, or why there is neither", field="/vat_id")
    await _keep(tx, code, requirement, facts)
    return await look(tx, requirements, code)


async def choose_channel(tx: Tx, requirements: Requirements, code: str, choice: ChannelChoice) -> Onboarding:
    """Say how orders are to come. Raises as `_asked` does, and `Invalid`: ``channel_not_offered``, ``adapter_missing``."""
    requirement = await _asked(tx, requirements, code, "channel")
    if choice.channel not in requirement.channels:
        raise Invalid("channel_not_offered", f"offered are {', '.join(requirement.channels)}", field="/channel")
    if choice.channel == "adapter" and choice.adapter is None:
        raise Invalid("adapter_missing", "name your adapter, as its report does", field="/adapter")
    await _keep(tx, code, requirement, choice)
    return await look(tx, requirements, code)


async def certify(tx: Tx, requirements: Requirements, code: str, report: ConformanceReport, raw: bytes) -> Onboarding:
    """Keep a report on the vendor's adapter, whole. Raises `Invalid`: ``report_too_large``, ``report_from_the_future``."""
    if len(raw) > REPORT_BYTES_MAX:
        raise Invalid("report_too_large", f"more than {REPORT_BYTES_MAX} bytes")
    now = await tx.now()
    if report.made_at > now:
        raise Invalid("report_from_the_future", "it was made later than now: look at your clock", field="/made_at")
    await vendors.lock(tx, code)
    certificate = Certificate(
        digest=hashlib.sha256(raw).hexdigest(),
        adapter=report.adapter,
        sdk_version=report.sdk_version,
        levels=sorted({each.level for each in report.levels if each.passed}),
        made_at=report.made_at,
        uploaded_at=now,
    )
    await store.add_certificate(tx, code, certificate, raw)
    await audit.note(tx, "certificate.uploaded", code, after=certificate)
    return await look(tx, requirements, code)


async def submit(tx: Tx, requirements: Requirements, code: str, said: Submit) -> Onboarding:
    """Ask for review; where the list has none the vendor is active at once.

    Raises `Conflict`: ``requirements_missing`` naming them, ``illegal_transition`` for a vendor that is not onboarding.
    """
    await vendors.lock(tx, code)
    await advance(tx, code, VendorEvent.SUBMIT, said.note)
    facts = await store.facts(tx, code)
    require_all(missing(requirements, facts))
    if not any(each.kind == "review" for each in of_country(requirements, facts.country)):
        await advance(tx, code, VendorEvent.APPROVE, "no review is asked for")
    return await look(tx, requirements, code)


def require_all(lacking: Sequence[str]) -> None:
    """Raises `Conflict` (``requirements_missing``)."""
    if lacking:
        raise Conflict("requirements_missing", f"not met: {', '.join(lacking)}", missing=list(lacking))


async def _asked(tx: Tx, requirements: Requirements, code: str, kind: Kind, name: str | None = None) -> Requirement:
    """The requirement that something is given for; the vendor is locked.

    Raises `NotFound` (``unknown_requirement``) and `Conflict` (``not_asked_now``) where its state does not let it give that.
    """
    await vendors.lock(tx, code)
    vendor = await vendors.get(tx, code)
    found = [each for each in of_country(requirements, vendor.country) if each.kind == kind and name in {None, each.name}]
    if not found:
        raise NotFound("unknown_requirement", f"no {name or kind} is asked of you")
    if vendor.state not in GIVE_IN[kind]:
        raise Conflict("not_asked_now", f"you are {vendor.state}: this cannot be given now", state=str(vendor.state))
    return found[0]


async def _keep(tx: Tx, code: str, requirement: Requirement, given: Any, by: str = "") -> None:
    await store.give(tx, code, requirement.name, given, by or str(tx.actor))
    await audit.note(tx, f"requirement.{requirement.kind}", code, after={"name": requirement.name, "given": msgspec.to_builtins(given)})
