"""What buyers send back."""

from datetime import datetime

from vendor_sdk.client.answers import Answer
from vendor_sdk.client.answers.documents import Document
from vendor_sdk.messages import Parcel


class ReturnLine(Answer, frozen=True):
    """Units of a line: `quantity` were to come back; `good` and `damaged` were taken back, `rejected` were not, and why."""

    line_id: str
    sku: str
    quantity: int
    reason: str
    good: int
    damaged: int
    rejected: int
    rejected_reason: str


class Return(Answer, frozen=True):
    """Units of one sub-order on their way back; you answer by `authorize_by`, and the goods are waited for until `receive_by`."""

    id: str
    order_id: str
    sub_order_id: str
    state: str
    reason: str | None
    lines: list[ReturnLine]
    note: str
    pays_shipping: str
    reference: str
    instructions: str
    parcel: Parcel | None
    refund_id: str | None
    authorize_by: datetime | None
    receive_by: datetime | None
    created_at: datetime
    version: int
    documents: list[Document] = []  # noqa: RUF012  # msgspec copies it
