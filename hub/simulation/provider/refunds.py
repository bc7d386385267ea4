"""Refunds at the provider: done at once, pending, waiting for funds, or come back long after they were done."""

from hub.payments.facts import RefundFacts, Settling
from hub.payments.ports import GatewayRefused
from hub.sandbox.refund_outcomes import ASKS_AGAIN, TAKES
from hub.simulation.provider.books import PLATFORM, Books
from hub.simulation.provider.objects import INVALID, Charge, NotKept, Refund, missing

LATE = 10 * 86_400
RETURNED = "lost_or_stolen_card"


class Refunds(Books):
    """The acts on refunds; each raises `GatewayRefused`."""

    def create_refund(self, key: str, charge_id: str, amount: int, order_id: str) -> RefundFacts:
        """Give back `amount`. The fee is not returned."""
        charge = self.charge(charge_id)
        left = charge.amount - charge.refunded
        if charge.dispute is not None and not charge.dispute.refundable:
            raise GatewayRefused("charge_disputed", f"Charge {charge.id} has been charged back; cannot issue a refund.")
        if amount < 1:
            raise NotKept(INVALID, "A refund is of at least 1.")
        if left == 0:
            raise GatewayRefused("charge_already_refunded", f"Charge {charge.id} has already been refunded.")
        if amount > left:
            raise GatewayRefused(INVALID, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).")
        refund = Refund(self.new("re"), key, charge, order_id, amount)
        self.refunds_by[refund.id] = refund
        charge.refunds.append(refund)
        charge.refunded += amount
        self._begin(refund)
        self.announce("refund.created", refund.id, of=refund.order_id)
        self.announce("charge.refunded", charge.id, of=charge.order_id)
        return self.refund_facts(refund)

    def look_refund(self, reference: str) -> RefundFacts:
        """As it stands now."""
        refund = self.refunds_by.get(reference)
        if refund is None:
            raise missing("refund", reference)
        return self.refund_facts(refund)

    def find_refund(self, key: str, charge: str) -> RefundFacts | None:
        """The newest of a charge that was made under the key."""
        found = self.charges_by.get(charge)
        made = None if found is None else next((refund for refund in reversed(found.refunds) if refund.key == key), None)
        return None if made is None else self.refund_facts(made)

    def fail_refund(self, refund: str, reason: str = RETURNED) -> bool:
        """The network sends the money back, however long ago it was done; False if it had ended otherwise."""
        self.arrive()
        return self._fail(self.refunds_by[refund], reason)

    def succeed_refund(self, refund: str) -> bool:
        """A pending refund is done; False if it was not pending."""
        self.arrive()
        return self._succeed(self.refunds_by[refund])

    def charge(self, reference: str) -> Charge:
        """A captured charge."""
        found = self.charges_by.get(reference)
        if found is None:
            raise missing("charge", reference)
        return found

    def refund_facts(self, refund: Refund) -> RefundFacts:
        """In the port's words."""
        return RefundFacts(
            reference=refund.id,
            state=refund.state,
            amount=refund.amount,
            currency=refund.charge.currency,
            charge=refund.charge.id,
            key=refund.key,
            reason=refund.reason,
            moved=refund.moved,
        )

    def _begin(self, refund: Refund) -> None:
        """Its first state; the money moves unless it has to wait for funds."""
        behavior = refund.charge.payment.card.refunds
        if self.refunds_wait_for_funds and self._short(refund):
            refund.state = Settling.PENDING
            self.plan(ASKS_AGAIN, self._ask_again, refund)
            return
        self._move(refund)
        if behavior == "pending" or self.nature.strikes("refund_pending"):
            refund.state = Settling.PENDING
            self.plan(TAKES, self._succeed, refund)
        if behavior == "failing":
            self.plan(TAKES, self._fail, refund)
        elif self.nature.strikes("refund_fails_late"):
            self.plan(self.nature.seconds("refund fails", TAKES, LATE), self._fail, refund)

    def _short(self, refund: Refund) -> bool:
        purse = self.purse(PLATFORM, refund.charge.currency)
        return purse.available + purse.pending < refund.amount

    def _ask_again(self, refund: Refund) -> None:
        if refund.state is not Settling.PENDING:
            return
        if self._short(refund):
            self.plan(ASKS_AGAIN, self._ask_again, refund)
        else:
            self._succeed(refund)

    def _succeed(self, refund: Refund) -> bool:
        if refund.state is not Settling.PENDING:
            return False
        refund.state = Settling.DONE
        if not refund.moved:
            self._move(refund)
        self.announce("refund.updated", refund.id, of=refund.order_id)
        return True

    def _move(self, refund: Refund) -> None:
        refund.moved = True
        self.post(PLATFORM, "refund", refund.id, -refund.amount, refund.charge.currency)

    def _fail(self, refund: Refund, reason: str = RETURNED) -> bool:
        if refund.state is Settling.FAILED:
            return False
        refund.state, refund.reason = Settling.FAILED, reason
        refund.charge.refunded -= refund.amount
        if refund.moved:
            self.post(PLATFORM, "refund_failure", refund.id, refund.amount, refund.charge.currency)
        self.announce("refund.updated", refund.id, of=refund.order_id)
        self.announce("refund.failed", refund.id, of=refund.order_id)
        return True
