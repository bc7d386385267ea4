"""Payments at the provider: opened, confirmed, held for a week, taken once or let go; and customers who keep a method there."""

from hub.payments.facts import Captured, PaymentFacts, PaymentPhase
from hub.payments.ports import GatewayRefused
from hub.sandbox.balance import SETTLES_AFTER, fee_of
from hub.sandbox.cards import CARDS, TestCard
from hub.sandbox.confirmations import HOLD_SECONDS
from hub.sandbox.payment_intents import AMOUNT_MAX, AMOUNT_MIN, THREE_DECIMAL
from hub.simulation.nature import Nature
from hub.simulation.provider.books import PLATFORM
from hub.simulation.provider.disputes import Disputes
from hub.simulation.provider.objects import INVALID, UNEXPECTED, Charge, NotKept, Payment, missing

FAILED_CHALLENGE = "payment_intent_authentication_failure"
CANCELED = "canceled"
NOBODY_YET = {PaymentPhase.HELD, PaymentPhase.OPEN, PaymentPhase.WAITING, PaymentPhase.DECLINED}
"""In which nothing has been taken yet, so a payment can be canceled."""


class Payments(Disputes):
    """The acts on payments; each raises `GatewayRefused`."""

    def __init__(self, nature: Nature, *, reversals_need_funds: bool = True, refunds_wait_for_funds: bool = False) -> None:
        super().__init__(nature, reversals_need_funds=reversals_need_funds, refunds_wait_for_funds=refunds_wait_for_funds)
        self.customers: dict[str, str] = {}
        """Our ids of customers, by the provider's."""
        self.methods: dict[str, tuple[TestCard, str]] = {}
        """Cards that were kept, and whose they are, by their own ids."""

    def create_customer(self, key: str, customer_id: str) -> str:
        """A customer known by our id."""
        made = self.new("cus")
        self.customers[made] = customer_id
        self.announce("customer.created", made)
        del key
        return made

    def create_payment(  # noqa: PLR0913, PLR0917  # one payment, as it is asked for
        self,
        key: str,
        order_id: str,
        amount: int,
        currency: str,
        method: str,
        customer: str | None,
        save: bool,  # noqa: FBT001  # as asked
    ) -> PaymentFacts:
        """A new payment, not confirmed."""
        _check_amount(amount, currency)
        if customer is not None and customer not in self.customers:
            raise missing("customer", customer)
        if save and customer is None:
            raise NotKept(INVALID, "To keep a method needs a customer.")
        card = self._card(method)
        payment = Payment(self.new("pi"), key, order_id, amount, currency, method, card, customer, save)
        self.payments_by[payment.id] = payment
        self.announce("payment_intent.created", payment.id, of=payment.order_id)
        return self.facts(payment)

    def confirm_payment(self, reference: str) -> PaymentFacts:
        """Ask the card: held, or its holder is asked. A decline is a refusal."""
        payment = self.payment(reference)
        if payment.phase is not PaymentPhase.OPEN:
            raise _unexpected(payment, "confirm")
        kept = self.methods.get(payment.method)
        if kept is not None and kept[1] != payment.customer:
            raise GatewayRefused(INVALID, "The payment method belongs to another customer.")
        if payment.card.challenged(saved=kept is not None, off_session=False):
            payment.phase = PaymentPhase.WAITING
            self.announce("payment_intent.requires_action", payment.id, of=payment.order_id)
            self._ask_buyer(payment)
        elif payment.card.code:
            raise self._decline(payment, payment.card.code, payment.card.message)
        else:
            self._hold(payment)
        return self.facts(payment)

    def confirm(self, reference: str, *, succeed: bool = True) -> bool:
        """The buyer answers the bank's challenge; False if nobody waits for it."""
        self.arrive()
        payment = self.payments_by[reference]
        if payment.phase is not PaymentPhase.WAITING:
            return False
        self._answer_challenge(payment, succeed)
        return True

    def cancel_payment(self, reference: str) -> PaymentFacts:
        """Let the money go, or close a payment that held none."""
        payment = self.payment(reference)
        if payment.phase not in NOBODY_YET:
            raise _unexpected(payment, "cancel")
        self._close(payment)
        return self.facts(payment)

    def capture_payment(self, key: str, reference: str, amount: int) -> Captured:
        """Take `amount` of what is held; the rest is released."""
        payment = self.payment(reference)
        if payment.phase is not PaymentPhase.HELD:
            raise _unexpected(payment, "capture")
        if not 0 < amount <= payment.amount:
            raise NotKept("amount_too_large", f"{amount} is not within the {payment.amount} that can be captured.")
        fee, available_on = fee_of(amount), self.now + SETTLES_AFTER
        charge = Charge(self.new("ch"), key, payment, payment.order_id, amount, fee, payment.currency, available_on)
        self.charges_by[charge.id] = charge
        payment.charge, payment.received, payment.phase, payment.capture_before = charge, amount, PaymentPhase.CAPTURED, None
        self.post(PLATFORM, "charge", charge.id, amount, charge.currency, fee=fee, available_on=available_on)
        self.announce("charge.captured", charge.id, of=charge.order_id)
        self.announce("payment_intent.succeeded", payment.id, of=payment.order_id)
        self.dispute_some(charge)
        return Captured(reference=payment.id, charge=charge.id, amount=amount, fee=fee)

    def payment(self, reference: str) -> Payment:
        """A payment as it stands now."""
        found = self.payments_by.get(reference)
        if found is None:
            raise missing("payment_intent", reference)
        return found

    def facts(self, payment: Payment) -> PaymentFacts:
        """The same in the port's words."""
        phase = payment.phase
        return PaymentFacts(
            reference=payment.id,
            phase=phase,
            received=payment.received,
            charge=None if payment.charge is None else payment.charge.id,
            capture_before=payment.capture_before,
            action=_action(payment) if phase is PaymentPhase.WAITING else None,
            reason=payment.reason,
        )

    def _card(self, method: str) -> TestCard:
        card = CARDS.get(method)
        if card is not None:
            return card
        kept = self.methods.get(method)
        if kept is None:
            raise missing("PaymentMethod", method)
        return kept[0]

    def _ask_buyer(self, payment: Payment) -> None:
        if self.nature.strikes("buyer_never_confirms"):
            return
        succeed = not self.nature.strikes("buyer_refuses")
        self.plan(self.nature.seconds("buyer confirms", 5, 3_600), self._answer_challenge, payment, succeed)

    def _answer_challenge(self, payment: Payment, succeed: bool) -> None:  # noqa: FBT001  # planned by position
        if payment.phase is not PaymentPhase.WAITING:
            return
        if not succeed:
            self._decline(payment, FAILED_CHALLENGE, "The holder failed authentication.")
        elif payment.card.code:
            self._decline(payment, payment.card.code, payment.card.message)
        else:
            self._hold(payment)

    def _hold(self, payment: Payment) -> None:
        if payment.save and payment.customer is not None and payment.method not in self.methods:
            self.methods[self.new("pm")] = (payment.card, payment.customer)
        payment.phase, payment.received, payment.capture_before = PaymentPhase.HELD, payment.amount, self.now + HOLD_SECONDS
        self.plan(HOLD_SECONDS, self._expire, payment)
        self.announce("payment_intent.amount_capturable_updated", payment.id, of=payment.order_id)

    def _expire(self, payment: Payment) -> None:
        if payment.phase is PaymentPhase.HELD:
            self._close(payment)

    def _close(self, payment: Payment) -> None:
        payment.phase, payment.received, payment.capture_before, payment.reason = PaymentPhase.CLOSED, 0, None, CANCELED
        self.announce("payment_intent.canceled", payment.id, of=payment.order_id)

    def _decline(self, payment: Payment, code: str, message: str) -> GatewayRefused:
        payment.phase, payment.reason, payment.message = PaymentPhase.DECLINED, code, message
        self.announce("payment_intent.payment_failed", payment.id, of=payment.order_id)
        return GatewayRefused(code, message)


def _action(payment: Payment) -> dict[str, object]:
    return {"type": "stripe", "client_secret": f"{payment.id}_secret_simulated", "next_action": {"type": "use_stripe_sdk"}}


def _unexpected(payment: Payment, verb: str) -> GatewayRefused:
    return GatewayRefused(UNEXPECTED, f"This payment is {payment.phase}: you cannot {verb} it.")


def _check_amount(amount: int, currency: str) -> None:
    if amount < AMOUNT_MIN:
        raise NotKept("amount_too_small", f"Amount must be at least {AMOUNT_MIN}.")
    if amount > AMOUNT_MAX:
        raise NotKept("amount_too_large", f"Amount must be no more than {AMOUNT_MAX}.")
    if amount % 10 and currency.lower() in THREE_DECIMAL:
        raise NotKept("parameter_invalid_integer", "Amounts in three-decimal currencies must end in 0.")
