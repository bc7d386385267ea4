"""How long the hub waits for whom."""

import msgspec


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """All in seconds."""

    reserve: float = 60
    """A vendor's time to set stock aside; then its part is declined."""
    payment: float = 1800
    """The time to get the buyer's money authorized; then the order expires."""
    acceptance: float = 86400
    """A vendor's time to accept; then its part is declined."""
    ship: float = 30 * 86400
    """A vendor's time to send; then an operator is told."""
    delivery: float = 60 * 86400
    """The road's time; then an operator is told."""
    ask_again: float = 300
    """How long after a "pending" the same command is asked again."""
    hold: float = 14 * 86400
    """How long a delivered sub-order's share is held, where the vendor's terms do not say."""
