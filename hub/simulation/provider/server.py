"""The provider whole: all its parts, whether it is up, and what an oracle may ask of it beside the hub's books."""

from hub.simulation.provider.books import PLATFORM
from hub.simulation.provider.objects import Charge, Dispute, Payment, Payout, Refund, Reversal, Transfer
from hub.simulation.provider.payments import Payments
from hub.simulation.provider.vendors import Vendors


class Provider(Payments, Vendors):
    """One for a world; it outlives every process.

    What happens by itself (buyers answering, holds expiring, payouts arriving, ...) happens at its own moment but is carried
    out when somebody next asks; `arrive` asks for nothing else.
    """

    down = False
    """Set by the world: no call gets an answer."""

    def top_up(self, amount: int, currency: str) -> None:
        """Money from our bank arrives on our balance."""
        self.arrive()
        top_up = self.new("tu")
        self.post(PLATFORM, "topup", top_up, amount, currency)
        self.announce("topup.succeeded", top_up)

    def payments(self) -> list[Payment]:
        """Everything somebody meant to pay, oldest first, as it stands now."""
        self.arrive()
        return list(self.payments_by.values())

    def charges(self) -> list[Charge]:
        """Every capture: for an order at most one."""
        self.arrive()
        return list(self.charges_by.values())

    def refunds(self) -> list[Refund]:
        """Every refund, failed ones too."""
        self.arrive()
        return list(self.refunds_by.values())

    def transfers(self) -> list[Transfer]:
        """Every transfer: for a share at most one."""
        self.arrive()
        return list(self.transfers_by.values())

    def reversals(self) -> list[Reversal]:
        """Every reversal."""
        self.arrive()
        return list(self.reversals_by.values())

    def payouts(self) -> list[Payout]:
        """Every payout, failed ones too."""
        self.arrive()
        return list(self.payouts_by.values())

    def disputes(self) -> list[Dispute]:
        """Every dispute."""
        self.arrive()
        return list(self.disputes_by.values())
