"""Disputes at the provider: the buyer's bank takes money with a fee, and gives it back without the fee if the dispute is won."""

from hub.payments.facts import DisputeFacts, DisputePhase
from hub.sandbox.disputes import ANSWER_WITHIN, FEE
from hub.simulation.provider.books import PLATFORM, Books
from hub.simulation.provider.objects import Charge, Dispute, missing

DAY = 86_400
UNDECIDED = {DisputePhase.INQUIRY, DisputePhase.OPEN}
INQUIRIES_OF_10 = 2
"""How many of ten disputes begin as a question."""
WON_OF_10 = 4
PARTIAL_OF_10 = 3


class Disputes(Books):
    """Opened and decided by the world or, where nature says so, by themselves."""

    def open_dispute(self, charge: str, *, amount: int | None = None, reason: str = "fraudulent", withdraw: bool = True) -> str | None:
        """The holder disputes a captured charge (all of it by default); the dispute's id, or None if that cannot be.

        Without `withdraw` it is an inquiry that takes nothing yet. Undecided for 21 days it is lost.
        """
        self.arrive()
        return self._open(self.charges_by[charge], amount, reason, withdraw=withdraw)

    def escalate_dispute(self, dispute: str) -> bool:
        """An inquiry becomes a dispute; False if it is none."""
        self.arrive()
        return self._escalate(self.disputes_by[dispute])

    def close_dispute(self, dispute: str, *, won: bool) -> bool:
        """The bank decides; an inquiry is closed either way and cost nothing. False if it had been decided."""
        self.arrive()
        return self._end(self.disputes_by[dispute], won=won)

    def look_dispute(self, reference: str) -> DisputeFacts:
        """As it stands now. Raises `GatewayRefused`."""
        dispute = self.disputes_by.get(reference)
        if dispute is None:
            raise missing("dispute", reference)
        return DisputeFacts(
            reference=dispute.id,
            charge=dispute.charge.id,
            phase=dispute.phase,
            amount=dispute.amount,
            currency=dispute.charge.currency,
            reason=dispute.reason,
            evidence_due=dispute.due,
            movements=list(dispute.movements),
        )

    def dispute_some(self, charge: Charge) -> None:
        """What the holder will do about a charge that was just captured."""
        behavior = charge.payment.card.dispute
        if behavior == "inquiry":
            self._open(charge, None, "fraudulent", withdraw=False)
        elif behavior:
            self._open(charge, None, behavior, withdraw=True)
        elif self.nature.strikes("buyer_disputes"):
            self.plan(self.nature.seconds("buyer disputes", 600, 30 * DAY), self._dispute_by_nature, charge)

    def _dispute_by_nature(self, charge: Charge) -> None:
        dice = self.nature.dice("dispute")
        partial, inquiry, won = (dice.randrange(10) < of_10 for of_10 in (PARTIAL_OF_10, INQUIRIES_OF_10, WON_OF_10))
        amount = dice.randint(1, charge.amount) if partial else None
        opened = self._open(charge, amount, "product_not_received", withdraw=not inquiry)
        if opened is None:
            return
        dispute, days = self.disputes_by[opened], self.nature.seconds("bank decides", DAY, 10 * DAY)
        if inquiry and dice.randrange(2):
            self.plan(days / 2, self._escalate, dispute)
        self.plan(days, self._decide, dispute, won)

    def _open(self, charge: Charge, amount: int | None, reason: str, *, withdraw: bool) -> str | None:
        amount = charge.amount if amount is None else amount
        if charge.dispute is not None or not 0 < amount <= charge.amount:
            return None
        phase = DisputePhase.OPEN if withdraw else DisputePhase.INQUIRY
        dispute = Dispute(self.new("dp"), charge, amount, reason, phase, self.now + ANSWER_WITHIN, refundable=not withdraw)
        charge.dispute = self.disputes_by[dispute.id] = dispute
        self.plan(ANSWER_WITHIN, self._lapse, dispute)
        self.announce("charge.dispute.created", dispute.id, of=dispute.charge.order_id)
        if withdraw:
            self._withdraw(dispute)
        return dispute.id

    def _escalate(self, dispute: Dispute) -> bool:
        if dispute.phase is not DisputePhase.INQUIRY:
            return False
        dispute.phase, dispute.refundable, dispute.due = DisputePhase.OPEN, False, self.now + ANSWER_WITHIN
        self.plan(ANSWER_WITHIN, self._lapse, dispute)
        self.announce("charge.dispute.updated", dispute.id, of=dispute.charge.order_id)
        self._withdraw(dispute)
        return True

    def _withdraw(self, dispute: Dispute) -> None:
        charge = dispute.charge
        dispute.movements.append(self.post(PLATFORM, "adjustment", dispute.id, -dispute.amount, charge.currency, fee=FEE))
        self.announce("charge.dispute.funds_withdrawn", dispute.id, of=dispute.charge.order_id)

    def _decide(self, dispute: Dispute, won: bool) -> None:  # noqa: FBT001  # planned by position
        self._end(dispute, won=won)

    def _lapse(self, dispute: Dispute) -> None:
        if self.now >= dispute.due:
            self._end(dispute, won=False)

    def _end(self, dispute: Dispute, *, won: bool) -> bool:
        if dispute.phase not in UNDECIDED:
            return False
        taken = dispute.phase is DisputePhase.OPEN
        dispute.phase = DisputePhase.WON if won or not taken else DisputePhase.LOST
        dispute.refundable = dispute.phase is DisputePhase.WON
        if taken and won:
            dispute.movements.append(self.post(PLATFORM, "adjustment", dispute.id, dispute.amount, dispute.charge.currency))
        self.announce("charge.dispute.closed", dispute.id, of=dispute.charge.order_id)
        if taken and won:
            self.announce("charge.dispute.funds_reinstated", dispute.id, of=dispute.charge.order_id)
        return True
