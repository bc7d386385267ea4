"""A return as buyers, vendors and operators see it."""

from datetime import datetime

import msgspec

from hub.returns.model import Payer, Reason, Return
from hub.returns.states import ReturnState
from vendor_sdk.messages import Document, Parcel


class ReturnLineView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a line: `quantity` were to come back; `good` and `damaged` were taken back, `rejected` were not, and why."""

    line_id: str
    sku: str
    quantity: int
    reason: Reason
    good: int
    damaged: int
    rejected: int
    rejected_reason: str


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one vendor's part on their way back.

    `reason` says why it is refused, canceled or ended without a refund of its own. `pays_shipping` is who pays the way back.
    `reference`, `instructions` and `documents` are the vendor's. It answers by `authorize_by`; the goods are waited for until `receive_by`.
    """

    id: str
    order_id: str
    sub_order_id: str
    vendor: str
    state: ReturnState
    reason: str | None
    lines: list[ReturnLineView]
    note: str
    pays_shipping: Payer
    reference: str
    instructions: str
    parcel: Parcel | None
    refund_id: str | None
    authorize_by: datetime | None
    receive_by: datetime | None
    created_at: datetime
    version: int
    documents: list[Document]


def return_view(it: Return) -> ReturnView:
    """For everybody whom it concerns."""
    shown = {name: getattr(it, name) for name in ReturnView.__struct_fields__ if name != "lines"}
    lines = [ReturnLineView(**{name: getattr(line, name) for name in ReturnLineView.__struct_fields__}) for line in it.lines]
    return ReturnView(**shown, lines=lines)
