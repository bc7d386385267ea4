"""When and how a vendor gets its money: its own terms, the marketplace's where it has none, and which of them is in force."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.kernel.errors import Invalid
from hub.kernel.money import Amount
from hub.kernel.text import END

PayoutInterval = Literal["manual", "daily", "weekly", "monthly"]
Bps = Annotated[int, Meta(ge=0, le=10_000, description="hundredths of a percent")]
TermSeconds = Annotated[int, Meta(ge=0, le=2 * 365 * 86_400)]
PayoutDay = Annotated[int, Meta(ge=1, le=31, description="weekly: 1 (Monday) to 7; monthly: the day, or the month's last if it has fewer")]
DAYS_OF_WEEK = 7
IBAN_SHOWN = 4


class BankAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a vendor's bank is, for providers that pay by bank transfer (`iban`: ISO 13616, `bic`: ISO 9362)."""

    holder: Annotated[str, Meta(min_length=1, max_length=70)]
    iban: Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}" + END, max_length=34)]
    bic: Annotated[str, Meta(pattern=r"^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?" + END, max_length=11)] | None = None

    @property
    def masked(self) -> "MaskedBankAccount":
        """It without most of its number, for answers and the timeline."""
        stars = "*" * (len(self.iban) - 2 * IBAN_SHOWN)
        return MaskedBankAccount(holder=self.holder, iban=self.iban[:IBAN_SHOWN] + stars + self.iban[-IBAN_SHOWN:], bic=self.bic)


class MaskedBankAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A bank account as it is shown: the middle of the number is stars."""

    holder: str
    iban: str
    bic: str | None


class OwnTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's own contract says about its money; null is as the marketplace has it.

    `payout_minimum` is in minor units of the hub's currency; payouts in others have no minimum, for nothing is converted.
    """

    hold_seconds: int | None = None
    reserve_bps: int | None = None
    reserve_seconds: int | None = None
    payout_interval: PayoutInterval | None = None
    payout_day: int | None = None
    payout_minimum: int | None = None
    bears_disputes: bool | None = None


class TermsInForce(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a vendor. Of each share `reserve_bps` is kept `reserve_seconds` longer than the hold."""

    hold_seconds: float
    reserve_bps: int
    reserve_seconds: int
    payout_interval: PayoutInterval
    payout_day: int
    payout_minimum: int
    bears_disputes: bool
    """Whether a lost dispute of its goods is the vendor's loss."""


class Marketplace(TermsInForce, frozen=True, kw_only=True):
    """The terms of vendors without their own (settings, [money]); `currency` is that of `payout_minimum`."""

    currency: str
    vendor_pays_dispute_fee: bool

    def in_force(self, own: OwnTerms) -> TermsInForce:
        """A vendor's own terms where it has some, ours for the rest."""
        both = {name: (getattr(own, name), getattr(self, name)) for name in TermsInForce.__struct_fields__}
        return TermsInForce(**{name: ours if theirs is None else theirs for name, (theirs, ours) in both.items()})

    def minimum(self, own: OwnTerms, currency: str) -> int:
        """The smallest payout by schedule or on demand, minor units of `currency`."""
        return max(1, self.in_force(own).payout_minimum) if currency == self.currency else 1


class TermsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change: a field left out stays, null puts back what the marketplace has (or removes the bank account)."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    hold_seconds: TermSeconds | UnsetType | None = UNSET
    reserve_bps: Bps | UnsetType | None = UNSET
    reserve_seconds: TermSeconds | UnsetType | None = UNSET
    payout_interval: PayoutInterval | UnsetType | None = UNSET
    payout_day: PayoutDay | UnsetType | None = UNSET
    payout_minimum: Amount | UnsetType | None = UNSET
    bears_disputes: bool | UnsetType | None = UNSET
    bank_account: BankAccount | UnsetType | None = UNSET


class MoneyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's terms as it and operators see them; the bank account is masked."""

    vendor: str
    version: int
    own: OwnTerms
    in_force: TermsInForce
    bank_account: MaskedBankAccount | None


def check(change: TermsChange, after: TermsInForce) -> None:
    """Raises `Invalid` for what a field alone cannot tell: ``iban_invalid``, ``payout_day_invalid``."""
    account = change.bank_account
    if isinstance(account, BankAccount) and not iban_adds_up(account.iban):
        raise Invalid("iban_invalid", "its check digits are wrong", field="/bank_account/iban")
    if after.payout_interval == "weekly" and after.payout_day > DAYS_OF_WEEK:
        raise Invalid("payout_day_invalid", "a week has seven days", field="/payout_day", payout_day=after.payout_day)


def iban_adds_up(iban: str) -> bool:
    """The check digits of an IBAN (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1
