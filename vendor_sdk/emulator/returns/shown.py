"""A return as the vendor API and webhooks show it (pure)."""

from vendor_sdk.client.answers.documents import Document
from vendor_sdk.client.answers.returns import Return as Shown
from vendor_sdk.client.answers.returns import ReturnLine
from vendor_sdk.emulator.model import Book
from vendor_sdk.emulator.returns.model import Return
from vendor_sdk.emulator.turn import moment


class ReturnView(Shown, frozen=True, kw_only=True):
    """A hub says also whose it is."""

    vendor: str


def return_view(book: Book, it: Return) -> ReturnView:
    """A return."""
    return ReturnView(
        id=it.id,
        order_id=it.order_id,
        sub_order_id=it.part_id,
        vendor=book.vendor,
        state=str(it.state),
        reason=it.reason,
        lines=[ReturnLine(**{name: getattr(line, name) for name in ReturnLine.__struct_fields__}) for line in it.lines],
        note=it.note,
        pays_shipping=it.pays_shipping,
        reference=it.reference,
        instructions=it.instructions,
        documents=[Document(kind=each.kind, url=each.url, name=each.name) for each in it.documents],
        parcel=it.parcel,
        refund_id=it.refund_id,
        authorize_by=moment(it.authorize_by),
        receive_by=None if it.receive_by is None else moment(it.receive_by),
        created_at=moment(it.created_at),
        version=it.version,
    )
