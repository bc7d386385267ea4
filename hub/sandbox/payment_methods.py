"""Stripe's test payment methods and how a card of each behaves when it is charged."""

import msgspec

from hub.sandbox.answers import Json, missing


class TestCard(msgspec.Struct, frozen=True, kw_only=True):
    """One test card: `code` is set if it is declined, `challenge` if the holder must authenticate first."""

    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None
    decline_code: str | None = None
    message: str = ""
    challenge: bool = False


def _declined(code: str, decline_code: str | None, message: str, last4: str = "0002") -> TestCard:
    return TestCard(code=code, decline_code=decline_code, message=message, last4=last4)


_GENERIC = _declined("card_declined", "generic_decline", "Your card was declined.")
_FUNDS = _declined("card_declined", "insufficient_funds", "Your card has insufficient funds.", "9995")

CARDS: dict[str, TestCard] = {
    "pm_card_visa": TestCard(),
    "pm_card_visa_debit": TestCard(last4="5556"),
    "pm_card_mastercard": TestCard(brand="mastercard", last4="4444"),
    "pm_card_mastercard_debit": TestCard(brand="mastercard", last4="8210"),
    "pm_card_amex": TestCard(brand="amex", last4="0005"),
    "pm_card_discover": TestCard(brand="discover", last4="1117"),
    "pm_card_diners": TestCard(brand="diners", last4="0004"),
    "pm_card_jcb": TestCard(brand="jcb", last4="0505"),
    "pm_card_unionpay": TestCard(brand="unionpay", last4="0005"),
    "pm_card_bypassPending": TestCard(last4="0077"),
    "pm_card_chargeDeclined": _GENERIC,
    "pm_card_visa_chargeDeclined": _GENERIC,
    "pm_card_chargeDeclinedInsufficientFunds": _FUNDS,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _FUNDS,
    "pm_card_visa_chargeDeclinedLostCard": _declined("card_declined", "lost_card", "Your card was declined.", "9987"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("card_declined", "stolen_card", "Your card was declined.", "9979"),
    "pm_card_chargeDeclinedExpiredCard": _declined("expired_card", None, "Your card has expired.", "0069"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("incorrect_cvc", None, "Your card's security code is incorrect.", "0127"),
    "pm_card_chargeDeclinedProcessingError": _declined("processing_error", None, "An error occurred while processing your card.", "0119"),
    "pm_card_authenticationRequired": TestCard(last4="3184", challenge=True),
    "pm_card_threeDSecure2Required": TestCard(last4="3220", challenge=True),
}


def card_of(payment_method: str) -> TestCard:
    """How that payment method behaves. Raises `Problem` for one that is not a test payment method."""
    card = CARDS.get(payment_method)
    if card is None:
        raise missing("PaymentMethod", payment_method, "payment_method")
    return card


def details(card: TestCard, amount: int, capture_before: int | None) -> Json:
    """``payment_method_details`` of a charge; `capture_before` (unix seconds) only while it is an authorization."""
    fields: Json = {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": None,
        "funding": "credit",
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
    if capture_before is not None:
        fields["capture_before"] = capture_before
    return {"card": fields, "type": "card"}
