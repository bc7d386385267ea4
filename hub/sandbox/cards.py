"""Stripe's test cards: how each behaves when it is charged, disputed or refunded."""

from enum import StrEnum
from typing import Literal

import msgspec


class Challenge(StrEnum):
    """When the holder must authenticate."""

    NEVER = "never"
    ALWAYS = "always"
    UNLESS_SAVED = "unless_saved"
    """Not again once the card was set up for later use."""
    ON_SESSION = "on_session"
    """Only while the buyer is there; off-session payments pass as if the card had been set up."""


class TestCard(msgspec.Struct, frozen=True, kw_only=True):
    """One test card. `code` is set if it is declined (after the challenge, if there is one)."""

    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None
    decline_code: str | None = None
    message: str = ""
    challenge: Challenge = Challenge.NEVER
    dispute: Literal["", "fraudulent", "product_not_received", "inquiry"] = ""
    """What the holder does as soon as the money is captured."""
    refunds: Literal["", "pending", "failing"] = ""
    """Whether refunds wait before they succeed, or succeed and fail later."""

    def challenged(self, *, saved: bool, off_session: bool) -> bool:
        """Whether this payment needs the holder's authentication."""
        match self.challenge:
            case Challenge.NEVER:
                return False
            case Challenge.ALWAYS:
                return True
            case Challenge.UNLESS_SAVED:
                return not saved
            case Challenge.ON_SESSION:
                return not off_session


def _declined(code: str, decline_code: str | None, message: str, last4: str = "0002") -> TestCard:
    return TestCard(code=code, decline_code=decline_code, message=message, last4=last4)


_GENERIC = _declined("card_declined", "generic_decline", "Your card was declined.")
_FUNDS = _declined("card_declined", "insufficient_funds", "Your card has insufficient funds.", "9995")
_LOST = _declined("card_declined", "lost_card", "Your card was declined.", "9987")
_STOLEN = _declined("card_declined", "stolen_card", "Your card was declined.", "9979")

UNAUTHENTICATED = _declined("authentication_required", "authentication_required", "Your card was declined. Authentication is required.")
"""What becomes of an off-session payment that the issuer wants to be authenticated."""

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
    "pm_card_visa_chargeDeclinedLostCard": _LOST,
    "pm_card_visa_chargeDeclinedStolenCard": _STOLEN,
    "pm_card_chargeDeclinedExpiredCard": _declined("expired_card", None, "Your card has expired.", "0069"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("incorrect_cvc", None, "Your card's security code is incorrect.", "0127"),
    "pm_card_chargeDeclinedProcessingError": _declined("processing_error", None, "An error occurred while processing your card.", "0119"),
    "pm_card_chargeCustomerFail": msgspec.structs.replace(_GENERIC, last4="0341"),
    "pm_card_authenticationRequired": TestCard(last4="3184", challenge=Challenge.ALWAYS),
    "pm_card_threeDSecure2Required": TestCard(last4="3220", challenge=Challenge.ALWAYS),
    "pm_card_authenticationRequiredOnSetup": TestCard(last4="3155", challenge=Challenge.UNLESS_SAVED),
    "pm_card_authenticationRequiredSetupForOffSession": TestCard(last4="0446", challenge=Challenge.ON_SESSION),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": msgspec.structs.replace(
        _FUNDS, last4="3178", challenge=Challenge.ALWAYS
    ),
    "pm_card_createDispute": TestCard(last4="0259", dispute="fraudulent"),
    "pm_card_createDisputeProductNotReceived": TestCard(last4="2685", dispute="product_not_received"),
    "pm_card_createDisputeInquiry": TestCard(last4="1976", dispute="inquiry"),
    "pm_card_pendingRefund": TestCard(last4="7726", refunds="pending"),
    "pm_card_refundFail": TestCard(last4="5126", refunds="failing"),
}
"""By Stripe's name of the test payment method (docs.stripe.com/testing)."""

FAILS_LATER = "pm_card_chargeCustomerFail"
"""The card that can be saved but not charged."""
