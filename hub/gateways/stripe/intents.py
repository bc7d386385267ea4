"""A payment intent in our words: its phase, what the buyer has to do, why it was declined."""

import stripe

from hub.payments.facts import PaymentFacts, PaymentPhase
from hub.payments.ports import GatewayRefused

PHASES = {
    "requires_confirmation": PaymentPhase.OPEN,
    "requires_action": PaymentPhase.WAITING,
    "processing": PaymentPhase.WAITING,
    "requires_capture": PaymentPhase.HELD,
    "succeeded": PaymentPhase.CAPTURED,
    "canceled": PaymentPhase.CLOSED,
}
DECLINED = "card_declined"
CANCELED = "canceled"


def facts(intent: stripe.PaymentIntent) -> PaymentFacts:
    """How the payment stands; `received` is what is held or was taken."""
    charge = charge_of(intent)
    return PaymentFacts(
        reference=intent.id,
        phase=_phase(intent),
        received=intent.amount_received or intent.amount_capturable,
        charge=charge.id if charge is not None and charge.captured else None,
        capture_before=_capture_before(charge),
        action=_action(intent),
        reason=_reason(intent),
    )


def decline(intent: stripe.PaymentIntent) -> GatewayRefused:
    """Why the payment will not be made, as a refusal."""
    message = intent.last_payment_error.message if intent.last_payment_error else None
    return GatewayRefused(_reason(intent) or DECLINED, message or f"the payment is {intent.status}")


def charge_of(intent: stripe.PaymentIntent) -> stripe.Charge | None:
    """The charge, where it was asked for with the intent."""
    return intent.latest_charge if isinstance(intent.latest_charge, stripe.Charge) else None


def _phase(intent: stripe.PaymentIntent) -> PaymentPhase:
    if intent.status == "requires_payment_method":  # it had one when it was opened
        return PaymentPhase.DECLINED if intent.last_payment_error else PaymentPhase.OPEN
    return PHASES[intent.status]


def _action(intent: stripe.PaymentIntent) -> dict[str, object] | None:
    if intent.next_action is None:
        return None
    return {"type": "stripe", "client_secret": intent.client_secret, "next_action": intent.next_action.to_dict(for_json=True)}


def _reason(intent: stripe.PaymentIntent) -> str:
    match intent.status:
        case "requires_payment_method" if intent.last_payment_error:
            return intent.last_payment_error.code or DECLINED
        case "canceled":
            return CANCELED
        case _:
            return ""


def _capture_before(charge: stripe.Charge | None) -> int | None:
    if charge is None or charge.payment_method_details is None or charge.payment_method_details.card is None:
        return None
    return getattr(charge.payment_method_details.card, "capture_before", None)
