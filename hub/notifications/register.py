"""Registers a vendor's endpoint, changes it, gives it new keys, removes it."""

import msgspec
from msgspec import UNSET

from hub.kernel.errors import Conflict, Invalid
from hub.notifications import endpoints, store
from hub.notifications.destination import check_url
from hub.notifications.model import EndpointChange, EndpointView, EndpointWithSecrets, NewEndpoint, Rotation, Secret
from hub.notifications.rules import Limits
from hub.notifications.signing import Key, new_key, public_half
from hub.notifications.states import EndpointEvent, EndpointState
from hub.runtime.database import Tx
from hub.runtime.http import check_version
from hub.vendors import store as vendors

KEYS_MAX = 4
"""Of one endpoint in force at once; each adds a signature to each attempt."""
BY_VENDOR = "by_vendor"
"""Why an endpoint is disabled that its vendor disabled: of this it is not told."""


async def register(tx: Tx, limits: Limits, vendor: str, new: NewEndpoint) -> EndpointWithSecrets:
    """A new endpoint with a key of each scheme. Raises `Invalid` and `Conflict` (``too_many_endpoints``)."""
    check_url(new.url, ports=limits.ports, allow_private=limits.allow_private)
    if len(set(new.schemes)) != len(new.schemes):
        raise Invalid("scheme_twice", "each scheme can be named once", field="/schemes")
    await vendors.lock(tx, vendor)
    if await endpoints.count(tx, vendor) >= limits.endpoints_max:
        raise Conflict("too_many_endpoints", f"a vendor has at most {limits.endpoints_max} endpoints")
    endpoint_id = await endpoints.add(tx, vendor, new)
    made = [new_key(scheme) for scheme in new.schemes]
    for key in made:
        await endpoints.add_key(tx, endpoint_id, key)
    if new.state == "disabled":
        await disable(tx, endpoint_id, BY_VENDOR)
    return EndpointWithSecrets(endpoint=await endpoints.get(tx, endpoint_id), secrets=[_shown(key) for key in made])


async def change(tx: Tx, limits: Limits, endpoint_id: str, asked: EndpointChange, if_match: str | None) -> EndpointView:
    """The endpoint after `asked`. Raises `NotFound`, `Invalid` and `Conflict` (``version_mismatch``)."""
    before = await endpoints.get(tx, endpoint_id, vendor=tx.actor.id, lock=True)
    check_version(if_match, before.version)
    if asked.url is not UNSET:
        check_url(asked.url, ports=limits.ports, allow_private=limits.allow_private)
    said = {name: getattr(asked, name) for name in asked.__struct_fields__ if name != "state"}
    values = {name: value for name, value in said.items() if value is not UNSET and value != getattr(before, name)}
    if values:
        await endpoints.change(tx, endpoint_id, msgspec.to_builtins(values))
    if asked.state is not UNSET and asked.state != before.state:
        await (_enable(tx, endpoint_id) if asked.state == "enabled" else disable(tx, endpoint_id, BY_VENDOR))
    return await endpoints.get(tx, endpoint_id)


async def disable(tx: Tx, endpoint_id: str, reason: str) -> None:
    """Nothing is sent to it any more; what was to be, has failed and may be replayed."""
    await endpoints.move(tx, endpoint_id, EndpointEvent.DISABLE, reason)
    await store.fail_all(tx, endpoint_id, "endpoint_disabled")


async def remove(tx: Tx, endpoint_id: str, if_match: str | None) -> EndpointView:
    """The endpoint as it was, and is not any more. Raises `NotFound` and `Conflict` (``version_mismatch``)."""
    before = await endpoints.get(tx, endpoint_id, vendor=tx.actor.id, lock=True)
    check_version(if_match, before.version)
    await endpoints.move(tx, endpoint_id, EndpointEvent.REMOVE, BY_VENDOR)
    await store.fail_all(tx, endpoint_id, "endpoint_removed")
    return msgspec.structs.replace(before, state=EndpointState.REMOVED, version=before.version + 1, keys=[])


async def rotate(tx: Tx, endpoint_id: str, asked: Rotation) -> EndpointWithSecrets:
    """A new key of a scheme; the old ones sign beside it for a while. Raises `NotFound` and `Conflict` (``too_many_keys``)."""
    before = await endpoints.get(tx, endpoint_id, vendor=tx.actor.id, lock=True)
    if asked.overlap_seconds and len(before.keys) >= KEYS_MAX:
        raise Conflict("too_many_keys", f"an endpoint has at most {KEYS_MAX} keys at once: let older ones expire")
    key = new_key(asked.scheme)
    await endpoints.expire_keys(tx, endpoint_id, asked.scheme, asked.overlap_seconds)
    await endpoints.add_key(tx, endpoint_id, key)
    await endpoints.change(tx, endpoint_id, {})
    return EndpointWithSecrets(endpoint=await endpoints.get(tx, endpoint_id), secrets=[_shown(key)])


def forget_secrets(made: EndpointWithSecrets) -> EndpointWithSecrets:
    """What may be kept of it: secrets are shown once."""
    return msgspec.structs.replace(made, secrets=[msgspec.structs.replace(secret, secret=None) for secret in made.secrets])


async def _enable(tx: Tx, endpoint_id: str) -> None:
    await endpoints.move(tx, endpoint_id, EndpointEvent.ENABLE, "")


def _shown(key: Key) -> Secret:
    return Secret(scheme=key.scheme, secret=public_half(key) or key.secret)
