"""What a buyer wants to send back, and what came of it. Moments are unix seconds."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.messages import Document, Parcel, Quantity

LINES_MAX = 100

Reason = Literal["changed_mind", "does_not_fit", "arrived_late", "damaged", "defective", "wrong_item", "not_as_described"]
FAULTS: frozenset[Reason] = frozenset({"arrived_late", "damaged", "defective", "wrong_item", "not_as_described"})
"""For these its vendor pays the way back, for the others the buyer does."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of a line, and why they are not kept."""

    line_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Quantity
    reason: Reason = "changed_mind"


class ReturnLine(msgspec.Struct, kw_only=True):
    """Units of a line that are to come back, and what came of them once somebody has looked at them."""

    line_id: str
    sku: str
    quantity: int
    reason: Reason
    good: int = 0
    damaged: int = 0
    rejected: int = 0
    rejected_reason: str = ""

    @property
    def taken_back(self) -> int:
        """Units that the buyer gets its money for."""
        return self.good + self.damaged


class Return(msgspec.Struct, kw_only=True):
    """Units of one sub-order on their way back.

    `authorize_id` and `inspect_id` are the commands by which its vendor is asked. `refund_id` stays empty where the buyer had
    the money before.
    """

    id: str
    order_id: str
    part_id: str
    lines: list[ReturnLine]
    created_at: float
    authorize_by: float
    pays_shipping: str
    note: str = ""
    state: ReturnState = ReturnState.REQUESTED
    version: int = 0
    reason: str | None = None
    reference: str = ""
    instructions: str = ""
    documents: list[Document] = []
    parcel: Parcel | None = None
    receive_by: float | None = None
    authorize_id: str = ""
    inspect_id: str = ""
    refund_id: str | None = None
