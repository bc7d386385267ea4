"""How often which fault strikes in a world: its seed leaves some out and makes others frequent."""

from random import Random

from hub.simulation import broker, characters, edge, people, post, weather
from hub.simulation.postgres import server
from hub.simulation.provider import FAULTS as PROVIDER

CRASH = {"crash": "a process dies right before or right after something that the world can see"}

FAULTS: dict[str, str] = {
    **CRASH,
    **server.FAULTS,
    **broker.FAULTS,
    **PROVIDER,
    **characters.FAULTS,
    **edge.FAULTS,
    **people.FAULTS,
    **post.FAULTS,
    **weather.FAULTS,
}
"""Everything that can go wrong, by name."""

MOST = {
    "crash": 0.001,
    "database_cut": 0.001,
    "database_interleaves": 0.05,
    "database_stalls": 0.01,
    "vendor_never_onboards": 0.0,
    "provider_restricts": 0.002,
    "buyer_disputes": 0.2,
    "vendor_dies": 0.002,
    "vendor_sleeps": 0.005,
    "vendor_dies_of_it": 0.005,
    "vendor_loses_parcel": 0.005,
    "vendor_gives_up": 0.01,
    **dict.fromkeys(weather.FAULTS, 0.05),
    **dict.fromkeys(("vendor_declines", "vendor_accepts_partly", "vendor_refuses_partly", "hand_declines", "hand_accepts_partly"), 0.3),
    **dict.fromkeys(("refund_pending", "buyer_never_confirms", "buyer_refuses", "webhook_lost", "webhook_late"), 0.3),
}
"""How probable a fault is at most, each time that it could strike; a twentieth for all others."""
OTHERS_MOST = 0.05
LEFT_OUT = 0.35


def climate(seed: int) -> dict[str, float]:
    """The rates of a world."""
    rates: dict[str, float] = {}
    for name in FAULTS:
        dice = Random(f"{seed}:climate {name}")  # noqa: S311  # to be repeated
        most = MOST.get(name, OTHERS_MOST)
        rates[name] = 0.0 if dice.random() < LEFT_OUT else most * 10 ** (-2 * dice.random())
    return rates
