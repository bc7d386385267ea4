"""An operator's word on a vendor: yes, no, or not yet."""

from hub.kernel.errors import Conflict, Invalid
from hub.onboarding import store
from hub.onboarding.give import look, require_all
from hub.onboarding.model import Approve, Onboarding, Reject, SendBack
from hub.onboarding.requirements import Requirements, missing, of_country
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.vendors import store as vendors
from hub.vendors.admit import capabilities_of
from hub.vendors.advance import advance
from hub.vendors.states import VendorEvent


async def approve(tx: Tx, requirements: Requirements, code: str, said: Approve) -> Onboarding:
    """The vendor sells from now on. All is looked at once more: what was met when it asked may not be any longer.

    Raises `NotFound` (``unknown_vendor``) and `Conflict`: ``illegal_transition``, ``requirements_missing``, ``nkey_missing``.
    """
    await advance(tx, code, VendorEvent.APPROVE, said.reason)
    require_all(missing(requirements, await store.facts(tx, code)))
    if said.embedded_spoke is not None or said.capabilities is not None:
        vendor = await vendors.get(tx, code)
        named = vendor.capabilities if said.capabilities is None else sorted(set(said.capabilities))
        capabilities = capabilities_of(named, we_run=said.embedded_spoke is not None)
        if capabilities and said.embedded_spoke is None and vendor.nkey_public is None:
            raise Conflict("nkey_missing", "a vendor with a spoke of its own needs an nkey: let it make one", field="/capabilities")
        await vendors.equip(
            tx,
            code,
            nkey_public=vendor.nkey_public,
            capabilities=capabilities,
            embedded_spoke=said.embedded_spoke,
            spoke_config=said.spoke_config,
        )
    after = {"capabilities": said.capabilities, "embedded_spoke": said.embedded_spoke}
    await audit.note(tx, "vendor.approved", code, why=said.reason, after=after)
    return await look(tx, requirements, code)


async def send_back(tx: Tx, requirements: Requirements, code: str, said: SendBack) -> Onboarding:
    """Not yet: what is named has to be given anew. Raises `Conflict` (``illegal_transition``) and `Invalid` (``requirement_unknown``)."""
    vendor = await advance(tx, code, VendorEvent.SEND_BACK, said.reason)
    known = {each.name: each for each in of_country(requirements, vendor.country)}
    for name, why in said.requirements.items():
        if name not in known or known[name].kind in {"identity", "review"}:
            raise Invalid("requirement_unknown", f"the vendor gives us no {name}", field=f"/requirements/{name}")
        await store.refuse(tx, code, name, why)
    for each in known.values():
        if each.kind == "review":
            await store.refuse(tx, code, each.name, said.reason)
    await audit.note(tx, "vendor.sent_back", code, why=said.reason, after={"requirements": said.requirements})
    return await look(tx, requirements, code)


async def reject(tx: Tx, requirements: Requirements, code: str, said: Reject) -> Onboarding:
    """No: the vendor is closing, and once nothing of it is open, closed, with its keys. Raises `Conflict` (``illegal_transition``)."""
    await advance(tx, code, VendorEvent.REJECT, said.reason)
    await audit.note(tx, "vendor.rejected", code, why=said.reason)
    return await look(tx, requirements, code)
