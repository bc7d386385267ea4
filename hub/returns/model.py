"""What is asked to be taken back, and what a return is."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.returns.states import ReturnState
from vendor_sdk.messages import Document, Documents, Inspected, Parcel, Quantity
from vendor_sdk.messages import Reason as Word

LINES_MAX = 100

Reason = Literal["changed_mind", "does_not_fit", "arrived_late", "damaged", "defective", "wrong_item", "not_as_described"]
FAULTS: frozenset[Reason] = frozenset({"arrived_late", "damaged", "defective", "wrong_item", "not_as_described"})
"""For these its vendor pays the way back, for the others the buyer does."""

Payer = Literal["vendor", "buyer"]
LineId = Annotated[str, Meta(min_length=1, max_length=64)]
Note = Annotated[str, Meta(max_length=1000)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of a line, and why they are not kept."""

    line_id: LineId
    quantity: Quantity
    reason: Reason


class AskReturn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a buyer wants to send back, of any part of the order; each line once. `note` is shown to the vendors."""

    lines: Annotated[list[Asked], Meta(min_length=1, max_length=LINES_MAX)]
    note: Note = ""


class SendBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which parcel the goods are on their way back."""

    parcel: Parcel


class Authorize(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vendor's own number of the return, where to and how the goods are to be sent, and what is to be printed; the buyer sees it all."""

    reference: Annotated[str, Meta(max_length=128)] = ""
    instructions: Annotated[str, Meta(max_length=500)] = ""
    documents: Documents = []


class Refuse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why nothing is taken back: `reason` is a stable word such as ``not_returnable``."""

    reason: Word
    detail: Annotated[str, Meta(max_length=500)] = ""


class Receive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came back, each SKU once: `good` units are for sale again, `damaged` ones are not, `rejected` ones are not taken back."""

    items: Annotated[list[Inspected], Meta(min_length=1, max_length=LINES_MAX)]


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a line that are to come back, and what came of them once somebody has looked at them."""

    line_id: str
    offer_id: str
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


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one part of an order on their way back.

    `authorize_id` and `inspect_id` are the commands by which its vendor is asked. `refund_id` stays empty where the buyer had
    the money before.
    """

    id: str
    order_id: str
    sub_order_id: str
    vendor: str
    state: ReturnState
    version: int
    note: str
    pays_shipping: Payer
    reason: str | None
    reference: str
    instructions: str
    parcel: Parcel | None
    authorize_id: str | None
    inspect_id: str | None
    refund_id: str | None
    authorize_by: datetime | None
    receive_by: datetime | None
    created_at: datetime
    lines: list[ReturnLine] = []
    documents: list[Document] = []
