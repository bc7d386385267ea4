"""What signs of life amount to: a vendor's health, and what its offers are worth to a buyer meanwhile."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from hub.vendors.model import Terms

Policy = Literal["sell", "delay", "hide"]
"""What becomes of the offers of a vendor in trouble: sold as ever, sold with a longer promise, or neither shown nor sold."""

Delivery = Literal["normal", "delayed"]


class Health(StrEnum):
    """How a vendor's spoke is."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """How long a spoke may be silent (seconds), and what is promised to buyers while it is down, or a breaker of its open."""

    degraded: float = 10.0
    """Three beats missed: a spoke beats every 3 s."""
    down: float = 60.0
    busy: float = 30.0
    """How long a vendor counts as busy after its stream was found full."""
    slow: float = 120.0
    """How old the oldest command may be to which a vendor has said nothing at all."""
    policy: Policy = "delay"
    delay_days: int = 2
    open_policy: Policy = "delay"
    open_delay_days: int = 1


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one spoke. `silent_since` is as far as we could have heard it, `heard_until` when we last listened."""

    silent_since: datetime
    heard_until: datetime
    breakers: Mapping[str, str] = {}
    busy_at: datetime | None = None
    oldest_seconds: float = 0.0


class Prospect(msgspec.Struct, frozen=True):
    """What a buyer may expect of one vendor now."""

    sold: bool = True
    delivery: Delivery = "normal"
    extra_days: int = 0


class Presence(Terms, frozen=True, kw_only=True):
    """A vendor's terms, and what a buyer may expect of it."""

    prospect: Prospect = Prospect()

    @property
    def sells(self) -> bool:
        """Whether its offers are for sale."""
        return super().sells and self.prospect.sold


def health(signs: Signs, watch: Watch) -> Health:
    """Down is silent for long; degraded is silent for a little, a breaker not closed, too full, or slow to answer."""
    silence = signs.heard_until - signs.silent_since
    if silence >= timedelta(seconds=watch.down):
        return Health.DOWN
    broken = any(state != "closed" for state in signs.breakers.values())
    if silence >= timedelta(seconds=watch.degraded) or broken or is_busy(signs, watch) or signs.oldest_seconds >= watch.slow:
        return Health.DEGRADED
    return Health.UP


def is_busy(signs: Signs, watch: Watch) -> bool:
    """Whether its stream was too full just now."""
    return signs.busy_at is not None and signs.heard_until - signs.busy_at < timedelta(seconds=watch.busy)


def prospect(state: Health | None, breakers: Mapping[str, str], watch: Watch) -> Prospect:
    """What becomes of a vendor's offers; without a state it has no spoke and works by hand.

    A breaker that is half-open counts for nothing: what is sold then is its trial.
    """
    if state is Health.DOWN:
        return _under(watch.policy, watch.delay_days)
    if state is not None and "open" in breakers.values():
        return _under(watch.open_policy, watch.open_delay_days)
    return Prospect()


def _under(policy: Policy, days: int) -> Prospect:
    return Prospect() if policy == "sell" else Prospect(sold=policy != "hide", delivery="delayed", extra_days=days)
