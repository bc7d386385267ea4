"""How simulated vendors are: how fast each kind does its work, and which faults it is prone to."""

from hub.simulation.nature import Nature

FAULTS = {
    "vendor_busy": "a vendor's system is busy for the moment, so its spoke hands the command back",
    "vendor_refuses": "a vendor refuses a reservation though it has the goods",
    "vendor_refuses_partly": "a vendor can set aside all of a part but one unit",
    "vendor_declines": "a vendor declines a part of an order",
    "vendor_accepts_partly": "a vendor accepts a part of an order but for one unit",
    "vendor_declines_late": "a vendor thinks about a part of an order for hours, then declines it",
    "vendor_ponders": "a vendor thinks about a part of an order for hours, then accepts it",
    "vendor_loses_parcel": "a parcel never arrives",
    "vendor_sleeps": "a vendor's spoke is away for minutes to hours",
    "vendor_dies": "a vendor's spoke is away for days, then back",
    "vendor_crashes": "a spoke dies after its house has acted and before it has noted that, and comes back",
    "vendor_dies_of_it": "a command kills the spoke each time that it is delivered",
    "vendor_gives_up": "a spoke gives a command up for good and says so",
    "vendor_echoes": "a vendor tells its answer twice",
    "vendor_babbles": "a vendor sends what nobody can read",
    "vendor_mistakes": "a vendor answers a command that nobody gave, or that was another's, or for another sub-order",
    "vendor_contradicts": "a vendor says one thing and then another of the same command",
}
"""Each strikes only vendors whose character is prone to it."""

Span = tuple[float, float]


class Character:
    """Spans are seconds from the shortest to the longest; `pushes` is whether it tells later facts by itself."""

    def __init__(self, name: str, think: Span, ship: Span, deliver: Span, *prone: str, pushes: bool = True) -> None:
        self.name = name
        self.think = think
        """To answer a command."""
        self.ship = ship
        """From the command to ship until the goods leave."""
        self.deliver = deliver
        """On the road."""
        self.prone = frozenset(prone)
        self.pushes = pushes


HOUR, DAY = 3600.0, 86400.0
PONDER: Span = (600.0, 16 * HOUR)
SLEEP: Span = (300.0, 12 * HOUR)
DEATH: Span = (1 * DAY, 5 * DAY)
REBOOT: Span = (1.0, 60.0)

CHARACTERS = {
    each.name: each
    for each in (
        Character("prompt", (0.005, 0.05), (0.01, 1 * HOUR), (1 * HOUR, 1 * DAY), "vendor_echoes", "vendor_ponders", "vendor_loses_parcel"),
        Character(
            "slow", (1, 50), (1 * HOUR, 3 * DAY), (1 * DAY, 6 * DAY), "vendor_ponders", "vendor_busy", "vendor_accepts_partly", pushes=False
        ),
        Character(
            "picky",
            (0.05, 5),
            (60, 1 * DAY),
            (6 * HOUR, 3 * DAY),
            "vendor_refuses",
            "vendor_refuses_partly",
            "vendor_declines",
            "vendor_accepts_partly",
            "vendor_declines_late",
            "vendor_ponders",
        ),
        Character("sleepy", (0.05, 5), (60, 1 * DAY), (6 * HOUR, 3 * DAY), "vendor_sleeps", "vendor_ponders", "vendor_declines_late"),
        Character("dead", (0.02, 1), (60, 1 * DAY), (6 * HOUR, 3 * DAY), "vendor_dies", "vendor_sleeps"),
        Character(
            "liar",
            (0.02, 1),
            (60, 1 * DAY),
            (6 * HOUR, 3 * DAY),
            "vendor_babbles",
            "vendor_mistakes",
            "vendor_contradicts",
            "vendor_echoes",
        ),
        Character(
            "forgetful",
            (0.02, 1),
            (60, 1 * DAY),
            (6 * HOUR, 3 * DAY),
            "vendor_crashes",
            "vendor_dies_of_it",
            "vendor_gives_up",
            "vendor_busy",
            "vendor_ponders",
        ),
    )
}


def character_for(nature: Nature, vendor: str) -> Character:
    """A vendor's character in this world."""
    return nature.dice(f"character of {vendor}").choice(list(CHARACTERS.values()))
