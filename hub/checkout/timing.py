"""How long the hub waits for whom, and by what terms it sells for and settles with vendors."""

import msgspec

from hub.adjustments.rules import AdjustmentRule
from hub.liveness.rules import Watch
from hub.payments.states import BANK
from hub.pricing.commission import Commission
from hub.pricing.replacement import RerouteRules
from hub.promises.rules import OurPromises
from hub.returns.rules import ReturnRules
from hub.vendors.money_terms import Marketplace


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    reserve: float = 60
    """A vendor's time to set stock aside; then its part is declined."""
    payment: float = 1800
    """The time to get the buyer's money authorized; then the order expires."""
    invoice: float = 7 * 86400
    """The same where the buyer has to send it through a bank."""
    acceptance: float = 86400
    """A vendor's time to accept, where nothing else was promised; then its part is declined."""
    ship: float = 30 * 86400
    """A vendor's time to send, where nothing else was promised. So long it is waited for, whatever was; then it is an operator's."""
    delivery: float = 60 * 86400
    """The road's time; the same holds."""
    ask_again: float = 300
    """How long after a "pending" the same command is asked again."""
    capture_margin: float = 12 * 3600
    """How long before a hold of the buyer's money ends it must be captured at the latest."""
    settling: float = 30
    """How long after a provider's "pending" it is asked again, should no event of it arrive."""

    promises: OurPromises
    """By when vendors without promises of their own accept, ship and deliver."""
    marketplace: Marketplace
    """The money terms of vendors that have none of their own."""
    adjustments: tuple[AdjustmentRule, ...] = ()
    """What is fined, and what is rewarded."""
    watch: Watch = Watch()
    """How long vendors' spokes may be silent, and what becomes of their offers then."""
    commission: Commission
    """What we take of a sale."""
    reroute: RerouteRules = RerouteRules()
    """How far we go to have another vendor deliver what one does not."""

    returns: ReturnRules = ReturnRules()
    """What may come back, and how long is waited for it."""

    def payment_by(self, gateway: str) -> float:
        """The time to get the buyer's money by that way."""
        return self.invoice if gateway == BANK else self.payment
