"""Which postings each event of an order's money makes: the chart of accounts and the recipes, nothing else."""

from collections.abc import Sequence

import msgspec

CLEARING = "clearing"
COMMISSION = "commission"
PROCESSING_FEES = "processing_fees"


class Posting(msgspec.Struct, frozen=True):
    """`amount` minor units of `currency` move from `source` to `destination`."""

    source: str
    destination: str
    amount: int
    currency: str


class Share(msgspec.Struct, frozen=True):
    """One accepted sub-order's part of a capture: `total` is goods and shipping, `commission` is ours."""

    vendor: str
    sub_order_id: str
    total: int
    commission: int


def order_account(order_id: str) -> str:
    """Money captured for an order and not yet shared out."""
    return f"order:{order_id}"


def held_account(vendor: str, sub_order_id: str) -> str:
    """A vendor's share that we hold until it may be transferred."""
    return f"held:{vendor}:{sub_order_id}"


def capture(order_id: str, amount: int, fee: int, currency: str) -> list[Posting]:
    """The buyer's money arrives at the provider, which keeps its processing fee."""
    return _nonzero(
        Posting(CLEARING, order_account(order_id), amount, currency),
        Posting(PROCESSING_FEES, CLEARING, fee, currency),
    )


def allocate(order_id: str, shares: Sequence[Share], currency: str) -> list[Posting]:
    """Captured money is shared out: each vendor's share is held, the commission is ours."""
    source = order_account(order_id)
    return _nonzero(
        *(Posting(source, held_account(s.vendor, s.sub_order_id), s.total - s.commission, currency) for s in shares),
        *(Posting(source, COMMISSION, s.commission, currency) for s in shares),
    )


def transfer(share: Share, currency: str) -> list[Posting]:
    """A held share goes to the vendor's connected account."""
    return _nonzero(Posting(held_account(share.vendor, share.sub_order_id), CLEARING, share.total - share.commission, currency))


def refund(share: Share, currency: str) -> list[Posting]:
    """A whole sub-order goes back to the buyer before its transfer: the vendor's share and our commission with it."""
    return _nonzero(
        Posting(held_account(share.vendor, share.sub_order_id), CLEARING, share.total - share.commission, currency),
        Posting(COMMISSION, CLEARING, share.commission, currency),
    )


def _nonzero(*postings: Posting) -> list[Posting]:
    return [posting for posting in postings if posting.amount]
