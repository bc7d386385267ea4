"""What a provider moves that nobody but it and our bank knows of: which postings each such kind makes."""

from collections.abc import Mapping

import msgspec

from hub.ledger import recipes
from hub.ledger.recipes import BANK, PROCESSING_FEES, Posting, clearing
from hub.payments.facts import Movement


class Known(msgspec.Struct, frozen=True):
    """The kind of transaction to write, and the account on the other side of the clearing account."""

    kind: str
    account: str


KNOWN: Mapping[str, Known] = {
    "payout": Known("pay_out", BANK),
    "payout_failure": Known("pay_out_failed", BANK),
    "payout_cancel": Known("pay_out_failed", BANK),
    "topup": Known("top_up", BANK),
    "topup_reversal": Known("top_up_failed", BANK),
    "stripe_fee": Known("provider_fee", PROCESSING_FEES),
    "stripe_fx_fee": Known("provider_fee", PROCESSING_FEES),
    "tax_fee": Known("provider_fee", PROCESSING_FEES),
    "network_cost": Known("provider_fee", PROCESSING_FEES),
}
"""By the provider's word. Of our own money only: what happens on a vendor's account is not in our books."""


def postings(gateway: str, movement: Movement) -> tuple[str, list[Posting]] | None:
    """The kind and postings of a movement that explains itself; None for any other, or one that moves nothing."""
    known = KNOWN.get(movement.kind)
    if known is None or movement.net == movement.amount == 0:
        return None
    if known.account == BANK and movement.amount < 0:
        moves = recipes.pay_out(gateway, -movement.amount, movement.currency)
    else:
        moves = arrive(gateway, known.account, movement.amount, movement.currency)
    return known.kind, [*moves, *arrive(gateway, PROCESSING_FEES, -movement.fee, movement.currency)]


def arrive(gateway: str, account: str, amount: int, currency: str) -> list[Posting]:
    """Our money at the provider grows by `amount` (signed), which belongs to `account`."""
    if amount < 0:
        return [Posting(account, clearing(gateway), -amount, currency)]
    return [Posting(clearing(gateway), account, amount, currency)] if amount else []
