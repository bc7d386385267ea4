"""What the vendors of a simulated world promise, and what it costs them not to keep it."""

from typing import Any

import msgspec

from hub.promises.model import PromisesChange

DAY = 86_400
_NINE_TO_FIVE = [{"opens": "09:00", "closes": "17:00"}]
_SHOP = {"zone": "Europe/Berlin", "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _NINE_TO_FIVE)}
_MARKET = {
    "zone": "America/New_York",
    "weekly": {"thu": [{"opens": "06:00", "closes": "12:00"}], "sat": [{"opens": "00:00", "closes": "24:00"}]},
}

PROMISES: dict[str, dict[str, Any]] = {
    "acme": {"calendar": _SHOP, "shipping": {"seconds": 8 * 3600, "counts": "working", "reminders": [0.5, 0.9], "at_end": "cancel"}},
    "bolt": {"acceptance": {"seconds": 4 * 3600, "reminders": [0.25, 0.5], "escalation": 0.75}},
    "dune": {"shipping": {"seconds": DAY, "escalation": 0.5}, "delivery": {"seconds": 2 * DAY, "reminders": [0.5]}},
    "elm": {
        "calendar": _MARKET,
        "acceptance": {"seconds": 6 * 3600, "counts": "working"},
        "shipping": {"seconds": DAY, "at_end": "cancel"},
    },
}
"""Working time, hurry, early warnings, late goods that are not wanted; the rest promise what the house does."""

EARLY = {"vendors": ["bolt", "elm"], "grace_seconds": 6 * 3600}


def promised_by(vendor: str) -> PromisesChange:
    """A vendor's own promises."""
    return msgspec.convert({"reason": "simulated", **PROMISES.get(vendor, {})}, PromisesChange)


def fines_in(currency: str) -> list[dict[str, Any]]:
    """A fine for whatever is not kept, and for some vendors a bonus for what comes early by more than hours."""
    fines = {"declined": 45, "no_answer": 60, "canceled_by_vendor": 70, "shipped_late": 20, "delivered_late": 15}
    rules: list[dict[str, Any]] = [{"name": on, "on": on, "kind": "fine", "fixed": {currency: amount}} for on, amount in fines.items()]
    return [*rules, {"name": "early", "on": "shipped_early", "kind": "bonus", "fixed": {currency: 5}, **EARLY}]
