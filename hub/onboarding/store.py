"""The only reader and writer of invitations, of what vendors have given, and of the reports on their adapters."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.kernel.errors import Conflict, NotFound
from hub.onboarding.model import Certificate, Invitation
from hub.onboarding.requirements import Facts, Given, Identity
from hub.onboarding.tables import vendor_certificates, vendor_invitations, vendor_requirements
from hub.runtime.database import Tx
from hub.vendors import accounts
from hub.vendors import store as vendors

CERTIFICATES_MAX = 50

_i, _r, _c = vendor_invitations.c, vendor_requirements.c, vendor_certificates.c
_INVITATION = [_i[name] for name in Invitation.__struct_fields__]
_OPEN = (_i.accepted_at.is_(None), _i.revoked_at.is_(None), _i.expires_at > func.now())


async def add_invitation(tx: Tx, vendor: str, email: str, token_hash: str, seconds: float) -> Invitation:
    """An open invitation; those that the vendor had before end."""
    await end_invitations(tx, vendor)
    row = {"id": tx.ids.new("inv"), "vendor": vendor, "email": email, "token_hash": token_hash}
    ends = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    added = await tx.one(insert(vendor_invitations).values(**row, expires_at=ends).returning(*_INVITATION), Invitation)
    assert added is not None, "it was just written"
    return added


async def end_invitations(tx: Tx, vendor: str) -> None:
    """Nobody joins any more by what was sent to this vendor."""
    mine = update(vendor_invitations).where(_i.vendor == vendor, _i.accepted_at.is_(None), _i.revoked_at.is_(None))
    await tx.execute(mine.values(revoked_at=func.now()))


async def invited(tx: Tx, token_hash: str) -> str | None:
    """Whom an invitation is for, be it open or not; None if it is unknown."""
    return await tx.scalar(select(_i.vendor).where(_i.token_hash == token_hash))


async def take_invitation(tx: Tx, token_hash: str) -> str | None:
    """Use an invitation up; the vendor it is for, or None if it is unknown or no longer open. Of two at once one gets it."""
    taking = update(vendor_invitations).where(_i.token_hash == token_hash, *_OPEN).values(accepted_at=func.now())
    return await tx.scalar(taking.returning(_i.vendor))


async def invitation(tx: Tx, invitation_id: str) -> Invitation:
    """Raises `NotFound` (``unknown_invitation``)."""
    found = await tx.one(select(*_INVITATION).where(_i.id == invitation_id), Invitation)
    if found is None:
        raise NotFound("unknown_invitation", f"no invitation {invitation_id}")
    return found


async def invitations(tx: Tx, *, after: str | None, limit: int) -> list[Invitation]:
    """The newest first, those before the id `after`."""
    query = select(*_INVITATION).order_by(_i.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(_i.id < after), Invitation)


_GIVEN = select(*(_r[name] for name in Given.__struct_fields__)).where(_r.vendor == bindparam("code"))
_CERTIFICATES = (
    select(*(_c[name] for name in Certificate.__struct_fields__))
    .where(_c.vendor == bindparam("code"))
    .order_by(_c.uploaded_at.desc(), _c.digest)
)


async def give(tx: Tx, vendor: str, name: str, given: Any, by: str) -> None:
    """Keep what a vendor gives; a refusal of what it gave before is over."""
    row = {"vendor": vendor, "name": name}
    kept = {"given": msgspec.to_builtins(given), "given_at": func.now(), "given_by": by, "refusal": ""}
    adding = pg_insert(vendor_requirements).values(**row, **kept)
    await tx.execute(adding.on_conflict_do_update(index_elements=[_r.vendor, _r.name], set_=kept))


async def refuse(tx: Tx, vendor: str, name: str, why: str) -> None:
    """Keep why something has to be given anew."""
    adding = pg_insert(vendor_requirements).values(vendor=vendor, name=name, refusal=why)
    await tx.execute(adding.on_conflict_do_update(index_elements=[_r.vendor, _r.name], set_={"refusal": why}))


async def add_certificate(tx: Tx, vendor: str, certificate: Certificate, report: bytes) -> None:
    """Keep a report; the same one again changes nothing. Raises `Conflict` (``too_many_certificates``)."""
    known = await certificates(tx, vendor)
    if len(known) >= CERTIFICATES_MAX and certificate.digest not in {each.digest for each in known}:
        raise Conflict("too_many_certificates", f"{CERTIFICATES_MAX} reports were uploaded: ask our operators")
    row = {name: getattr(certificate, name) for name in ("digest", "adapter", "sdk_version", "levels", "made_at")}
    await tx.execute(pg_insert(vendor_certificates).values(vendor=vendor, report=report, **row).on_conflict_do_nothing())


async def certificates(tx: Tx, vendor: str) -> list[Certificate]:
    """The reports on a vendor's adapters, the newest first."""
    return await tx.all(_CERTIFICATES, Certificate, {"code": vendor})


async def facts(tx: Tx, code: str) -> Facts:
    """All that is known of a vendor. Raises `NotFound` (``unknown_vendor``)."""
    vendor = await vendors.get(tx, code)
    connected, account = await accounts.account_of(tx, code)
    given = await tx.all(_GIVEN, Given, {"code": code})
    ready = account.may_receive and account.may_pay_out
    return Facts(
        state=vendor.state,
        country=vendor.country,
        identity=Identity(opened=connected is not None, ready=ready, due=account.due, reason=account.reason),
        given={each.name: each for each in given},
        certificates=await certificates(tx, code),
    )
