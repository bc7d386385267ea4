"""Which postings each event of an order's money makes: the chart of accounts and the recipes, nothing else."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

COMMISSION = "commission"
"""Ours."""
TAX = "tax"
"""Tax on our commission, owed to the state."""
DISCOUNTS = "discounts"
"""What we bear of discounts."""
PROCESSING_FEES = "processing_fees"
"""What providers keep."""
DISPUTE_FEES = "dispute_fees"
"""What providers keep for disputes."""
LOSSES = "losses"
"""What disputes cost us, where no vendor bears it."""
FINES = "fines"
BONUSES = "bonuses"
SUSPENSE = "suspense"
"""What a provider booked and we cannot explain yet."""
BANK = "bank"
"""Our own bank account, where our payouts from a provider lie."""


class Posting(msgspec.Struct, frozen=True):
    """`amount` minor units of `currency` move from `source` to `destination`."""

    source: str
    destination: str
    amount: int
    currency: str


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted sub-order's part of a capture: `paid` by the buyer + `discount` borne by us = `share` + `commission` + `tax`."""

    vendor: str
    sub_order_id: str
    paid: int
    discount: int
    share: int
    commission: int
    tax: int


class Funding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor's part of money that goes back comes from: its hold, its reserve, a reversal, or its debt to us."""

    held: int = 0
    reserve: int = 0
    reversal: int = 0
    debt: int = 0


class Adjustment(StrEnum):
    """What is posted to a vendor by rule."""

    FINE = "fine"
    BONUS = "bonus"


def clearing(gateway: str) -> str:
    """Where money lies at a provider: minus what it holds for us."""
    return f"clearing:{gateway}"


def order_account(order_id: str) -> str:
    """Money captured for an order and not yet shared out."""
    return f"order:{order_id}"


def receipts_account(payment_id: str) -> str:
    """What a buyer sent before it was captured."""
    return f"receipts:{payment_id}"


def held_account(vendor: str, sub_order_id: str) -> str:
    """A vendor's share that we hold until it may be transferred."""
    return f"held:{vendor}:{sub_order_id}"


def reserve_account(vendor: str, sub_order_id: str) -> str:
    """What we keep longer of a vendor's share, against refunds and disputes."""
    return f"reserve:{vendor}:{sub_order_id}"


def vendor_account(vendor: str) -> str:
    """What a vendor has with us beside its holds: below zero it owes us, and later transfers are netted with that."""
    return f"vendor:{vendor}"


def refund_account(refund_id: str) -> str:
    """Money gathered for a buyer and not yet sent back."""
    return f"refund:{refund_id}"


def dispute_account(dispute_id: str) -> str:
    """Below zero: what a buyer's bank took and nobody has borne yet."""
    return f"dispute:{dispute_id}"


NEVER_NEGATIVE = ("order:", "receipts:", "held:", "reserve:", "refund:")
"""Accounts by their first word whose balance the database itself keeps from falling below zero."""


def receive(gateway: str, payment_id: str, amount: int, currency: str) -> list[Posting]:
    """A buyer's money arrives before it is captured."""
    return _nonzero(Posting(clearing(gateway), receipts_account(payment_id), amount, currency))


def capture(gateway: str, order_id: str, amount: int, fee: int, currency: str) -> list[Posting]:
    """The buyer's money arrives at the provider, which keeps its processing fee."""
    return _nonzero(
        Posting(clearing(gateway), order_account(order_id), amount, currency),
        Posting(PROCESSING_FEES, clearing(gateway), fee, currency),
    )


def capture_received(payment_id: str, order_id: str, amount: int, currency: str) -> list[Posting]:
    """Money that had arrived before is taken."""
    return _nonzero(Posting(receipts_account(payment_id), order_account(order_id), amount, currency))


def give_back_received(gateway: str, payment_id: str, amount: int, currency: str) -> list[Posting]:
    """Money that had arrived and was not taken goes back."""
    return _nonzero(Posting(receipts_account(payment_id), clearing(gateway), amount, currency))


def allocate(order_id: str, shares: Sequence[Share], currency: str) -> list[Posting]:
    """Captured money, and what we add for discounts, is shared out: to each vendor's hold, to our commission, to the tax on it."""
    source = order_account(order_id)
    return _nonzero(
        *(Posting(DISCOUNTS, source, s.discount, currency) for s in shares),
        *(Posting(source, held_account(s.vendor, s.sub_order_id), s.share, currency) for s in shares),
        *(Posting(source, COMMISSION, s.commission, currency) for s in shares),
        *(Posting(source, TAX, s.tax, currency) for s in shares),
    )


def release(source: str, vendor: str, sub_order_id: str, *, netted: int, reserved: int, currency: str) -> list[Posting]:
    """When the hold of `source` ends: what the vendor owes us is netted, a reserve is kept; the rest waits for its transfer."""
    return _nonzero(
        Posting(source, vendor_account(vendor), netted, currency),
        Posting(source, reserve_account(vendor, sub_order_id), reserved, currency),
    )


def credit(vendor: str, transfer_id: str, amount: int, currency: str) -> list[Posting]:
    """What a vendor has with us is set aside for a transfer."""
    return _nonzero(Posting(vendor_account(vendor), held_account(vendor, transfer_id), amount, currency))


def transfer(gateway: str, source: str, amount: int, currency: str) -> list[Posting]:
    """Money of an account goes to the vendor's connected account."""
    return _nonzero(Posting(source, clearing(gateway), amount, currency))


def reverse(gateway: str, destination: str, amount: int, currency: str) -> list[Posting]:
    """Transferred money comes back, for a refund or a dispute."""
    return _nonzero(Posting(clearing(gateway), destination, amount, currency))


def gather(share: Share, funding: Funding, destination: str, currency: str) -> list[Posting]:
    """What a refund or lost dispute takes from whom; `share` is what goes back. What a reversal brings comes with the reversal."""
    vendor, sub = share.vendor, share.sub_order_id
    return _nonzero(
        Posting(held_account(vendor, sub), destination, funding.held, currency),
        Posting(reserve_account(vendor, sub), destination, funding.reserve, currency),
        Posting(vendor_account(vendor), destination, funding.debt, currency),
        Posting(COMMISSION, destination, share.commission, currency),
        Posting(TAX, destination, share.tax, currency),
    )


def owe(vendor: str, destination: str, amount: int, currency: str) -> list[Posting]:
    """A reversal was refused: the vendor owes us what it should have brought."""
    return _nonzero(Posting(vendor_account(vendor), destination, amount, currency))


def refund(gateway: str, refund_id: str, *, paid: int, discount: int, currency: str) -> list[Posting]:
    """Gathered money goes back to the buyer, and the discount that we had borne to us."""
    source = refund_account(refund_id)
    return _nonzero(Posting(source, clearing(gateway), paid, currency), Posting(source, DISCOUNTS, discount, currency))


def refund_failed(gateway: str, refund_id: str, *, paid: int, discount: int, currency: str) -> list[Posting]:
    """A refund that had been sent comes back: the money is still the buyer's, and our part of the discount lies beside it."""
    destination = refund_account(refund_id)
    return _nonzero(Posting(clearing(gateway), destination, paid, currency), Posting(DISCOUNTS, destination, discount, currency))


def dispute_taken(gateway: str, dispute_id: str, amount: int, fee: int, currency: str) -> list[Posting]:
    """The buyer's bank takes money back, the provider a fee."""
    return _nonzero(
        Posting(dispute_account(dispute_id), clearing(gateway), amount, currency), Posting(DISPUTE_FEES, clearing(gateway), fee, currency)
    )


def dispute_returned(gateway: str, dispute_id: str, amount: int, fee: int, currency: str) -> list[Posting]:
    """A won dispute brings the money back, and the fee if the provider returns it."""
    return _nonzero(
        Posting(clearing(gateway), dispute_account(dispute_id), amount, currency), Posting(clearing(gateway), DISPUTE_FEES, fee, currency)
    )


def disputed(dispute_id: str, discount: int, currency: str) -> list[Posting]:
    """Of what was gathered for a lost dispute, the discount that we had borne comes back to us."""
    return _nonzero(Posting(dispute_account(dispute_id), DISCOUNTS, discount, currency))


def refund_lost(refund_id: str, dispute_id: str, *, paid: int, discount: int, currency: str) -> list[Posting]:
    """What was gathered for a refund that could not be sent covers a dispute."""
    source = refund_account(refund_id)
    return _nonzero(Posting(source, dispute_account(dispute_id), paid, currency), Posting(source, DISCOUNTS, discount, currency))


def divide_refund(refund_id: str, rest_id: str, amount: int, currency: str) -> list[Posting]:
    """Part of what was gathered for one refund is another's from now on."""
    return _nonzero(Posting(refund_account(refund_id), refund_account(rest_id), amount, currency))


def refund_by_hand(refund_id: str, *, paid: int, discount: int, currency: str) -> list[Posting]:
    """An operator has paid the buyer from our own bank account."""
    source = refund_account(refund_id)
    return _nonzero(Posting(source, BANK, paid, currency), Posting(source, DISCOUNTS, discount, currency))


def lose(dispute_id: str, amount: int, currency: str) -> list[Posting]:
    """What no vendor bears of a lost dispute is our loss."""
    return _nonzero(Posting(LOSSES, dispute_account(dispute_id), amount, currency))


def unbear(share: Share, dispute_id: str, currency: str) -> list[Posting]:
    """A lost dispute was won after all: what was gathered for it goes back to whom it came from."""
    source = dispute_account(dispute_id)
    return _nonzero(
        Posting(DISCOUNTS, source, share.discount, currency),
        Posting(source, vendor_account(share.vendor), share.share, currency),
        Posting(source, COMMISSION, share.commission, currency),
        Posting(source, TAX, share.tax, currency),
    )


def unlose(dispute_id: str, amount: int, currency: str) -> list[Posting]:
    """What had been our loss has come back."""
    return _nonzero(Posting(dispute_account(dispute_id), LOSSES, amount, currency))


def dispute_fee(vendor: str, amount: int, currency: str) -> list[Posting]:
    """A vendor bears what the provider kept for a dispute."""
    return _nonzero(Posting(vendor_account(vendor), DISPUTE_FEES, amount, currency))


def adjust(kind: Adjustment, vendor: str, amount: int, currency: str) -> list[Posting]:
    """A fine or a bonus."""
    if kind is Adjustment.FINE:
        return _nonzero(Posting(vendor_account(vendor), FINES, amount, currency))
    return _nonzero(Posting(BONUSES, vendor_account(vendor), amount, currency))


def pay_out(gateway: str, amount: int, currency: str) -> list[Posting]:
    """Our own money goes from a provider to our bank."""
    return _nonzero(Posting(BANK, clearing(gateway), amount, currency))


def unexplained(gateway: str, net: int, currency: str) -> list[Posting]:
    """A provider booked `net` (signed) that we know nothing of."""
    if net < 0:
        return [Posting(SUSPENSE, clearing(gateway), -net, currency)]
    return _nonzero(Posting(clearing(gateway), SUSPENSE, net, currency))


def explained(payment_id: str, amount: int, currency: str) -> list[Posting]:
    """Money in suspense turns out to be a buyer's."""
    return _nonzero(Posting(SUSPENSE, receipts_account(payment_id), amount, currency))


def fund(share: int, *, held: int, reserve: int, reversible: int) -> Funding:
    """Where a vendor's part of `share` comes from: first what we still hold, then its reserve, then a reversal, then its debt."""
    from_held = min(share, held)
    from_reserve = min(share - from_held, reserve)
    from_reversal = min(share - from_held - from_reserve, reversible)
    return Funding(held=from_held, reserve=from_reserve, reversal=from_reversal, debt=share - from_held - from_reserve - from_reversal)


def _nonzero(*postings: Posting) -> list[Posting]:
    return [posting for posting in postings if posting.amount]
