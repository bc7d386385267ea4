"""The only reader and writer of documents: links that vendors give with what they ship or let come back; nobody here follows them."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from hub.orders.tables import documents
from hub.runtime.database import Tx
from vendor_sdk.messages import Document

FOR_BUYERS = frozenset({"invoice", "customs"})
"""What a buyer sees of what was shipped; the label is none of its business, and may tell where others live."""

_d = documents.c
_ADD, _FORGET = insert(documents), delete(documents).where(_d.subject_id == bindparam("subject"))
_OF = (
    select(_d.subject_id, _d.kind, _d.url, _d.name)
    .where(_d.subject_id.in_(bindparam("subjects", expanding=True)))
    .order_by(_d.subject_id, _d.position)
)


async def add(tx: Tx, sub_order_id: str, found: Sequence[Document], *, of: str | None = None) -> None:
    """Keep those of a sub-order, or of what is named by `of`: one of its returns. There may be none of it yet."""
    subject = {"subject_id": of or sub_order_id, "sub_order_id": sub_order_id}
    if found:
        await tx.execute(_ADD, [subject | msgspec.structs.asdict(each) | {"position": place} for place, each in enumerate(found)])


async def replace(tx: Tx, sub_order_id: str, found: Sequence[Document], *, of: str) -> None:
    """The same in place of those before: what a vendor says last holds."""
    await tx.execute(_FORGET, {"subject": of})
    await add(tx, sub_order_id, found, of=of)


async def of_each(tx: Tx, subject_ids: Collection[str]) -> dict[str, list[Document]]:
    """The documents of these sub-orders or returns, in the order in which their vendors gave them."""
    by_subject: dict[str, list[Document]] = {}
    if subject_ids:
        for row in await tx.rows(_OF, {"subjects": sorted(subject_ids)}):
            by_subject.setdefault(row.subject_id, []).append(Document(kind=row.kind, url=row.url, name=row.name))
    return by_subject
