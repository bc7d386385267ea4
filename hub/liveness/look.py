"""Looks at vendors' health, for those who mend."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from hub.liveness import store
from hub.liveness.rules import Health, Watch, health, is_busy
from hub.liveness.store import Pulse
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET


class LivenessView(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor's spoke is; `health` is null for a vendor without one, which works by hand.

    `since` is when this start of the spoke was first heard, `seen_at` when it was last heard; both null if it never was.
    `breakers` by capability: ``closed``, ``open`` or ``half-open``. `busy`: it is told nothing more until it has worked
    some off. `oldest_seconds` is the age of the oldest command to which it has said nothing at all.
    """

    vendor: str
    health: Health | None = None
    since: datetime | None = None
    seen_at: datetime | None = None
    sdk_version: str = ""
    breakers: dict[str, str] = {}
    in_flight: int = 0
    busy: bool = False
    oldest_seconds: float = 0.0


async def looks(tx: Tx, watch: Watch, vendors: Collection[str]) -> dict[str, LivenessView]:
    """How these vendors are; those without a spoke are left out."""
    known = await store.of(tx, vendors)
    ours = known.pop(HUB_TARGET, None)
    return {} if ours is None else {vendor: show(pulse, ours, watch) for vendor, pulse in known.items()}


async def down_for(tx: Tx, watch: Watch, vendors: Collection[str], seconds: float) -> set[str]:
    """Which of these vendors have been down for so long."""
    known = await store.of(tx, vendors)
    ours = known.pop(HUB_TARGET, None)
    if ours is None:
        return set()
    signs = {vendor: pulse.signs(ours) for vendor, pulse in known.items()}
    return {
        vendor
        for vendor, each in signs.items()
        if health(each, watch) is Health.DOWN and (each.heard_until - each.silent_since).total_seconds() >= seconds
    }


async def look(tx: Tx, watch: Watch, vendor: str) -> LivenessView:
    """How a vendor is."""
    return (await looks(tx, watch, [vendor])).get(vendor, LivenessView(vendor=vendor))


async def browse(tx: Tx, watch: Watch, *, after: str | None, limit: int) -> list[LivenessView]:
    """How the vendors with spokes are, by code."""
    ours = await store.ours(tx)
    return [] if ours is None else [show(pulse, ours, watch) for pulse in await store.browse(tx, after=after, limit=limit)]


def show(pulse: Pulse, ours: Pulse, watch: Watch) -> LivenessView:
    """A vendor's row as it is shown."""
    signs = pulse.signs(ours)
    heard = bool(pulse.boot_id)
    return LivenessView(
        vendor=pulse.vendor,
        health=health(signs, watch),
        since=pulse.since if heard else None,
        seen_at=pulse.seen_at if heard else None,
        sdk_version=pulse.version,
        breakers=pulse.breakers,
        in_flight=pulse.in_flight,
        busy=is_busy(signs, watch),
        oldest_seconds=pulse.oldest_seconds,
    )
