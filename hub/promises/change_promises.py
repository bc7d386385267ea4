"""Changes what a vendor promises, seen in its timeline; what it was asked before keeps its times."""

import msgspec
from msgspec import UNSET

from hub.promises import store
from hub.promises.model import OwnPromises, PromisesChange, VendorPromises, check
from hub.promises.rules import OurPromises
from hub.runtime.database import Tx
from hub.runtime.http import check_version
from hub.runtime.life import Move, record
from hub.vendors import store as vendors


async def look(tx: Tx, ours: OurPromises, code: str) -> VendorPromises:
    """A vendor's promises. Raises `NotFound` (``unknown_vendor``)."""
    await vendors.get(tx, code)
    return _shown(code, ours, *await store.get(tx, code))


async def change_promises(tx: Tx, ours: OurPromises, code: str, change: PromisesChange, if_match: str | None) -> VendorPromises:
    """The vendor's promises after `change`; they hold for what it is asked from now on.

    Raises `NotFound` (``unknown_vendor``), `Conflict` (``version_mismatch``) and `Invalid` (see `model.check`).
    """
    await vendors.lock(tx, code)
    state = (await vendors.get(tx, code)).state
    before, version = await store.get(tx, code)
    check_version(if_match, version)
    wanted = {name: getattr(change, name) for name in OwnPromises.__struct_fields__}
    values = {name: value for name, value in wanted.items() if value is not UNSET and value != getattr(before, name)}
    after = msgspec.structs.replace(before, **values)
    check(ours.in_force(after))
    if not values:
        return _shown(code, ours, before, version)
    await store.put(tx, code, after)
    changed = {name: [msgspec.to_builtins(getattr(before, name)), msgspec.to_builtins(value)] for name, value in values.items()}
    record(
        tx,
        Move(
            life="vendor",
            subject_id=code,
            saga_id=code,
            event="promises",
            before=str(state),
            after=str(state),
            reason=change.reason,
            data={"changed": changed},
        ),
    )
    return _shown(code, ours, after, version + 1)


def _shown(code: str, ours: OurPromises, own: OwnPromises, version: int) -> VendorPromises:
    return VendorPromises(vendor=code, version=version, own=own, in_force=ours.in_force(own))
