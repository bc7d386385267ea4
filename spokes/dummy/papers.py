"""The papers of what the dummy ships or takes back: links that follow from the id, so that they are the same each time (pure)."""

import msgspec

from vendor_sdk.messages import Authorized, Document, Shipped


def with_papers(answer: Shipped, base: str) -> Shipped:
    """A shipment with its label and invoice, which lie under `base`; without any if that is empty."""
    kinds = ("label", "invoice") if base else ()
    return msgspec.structs.replace(
        answer, documents=[Document(kind=kind, url=f"{base}/{answer.sub_order_id}/{kind}.pdf") for kind in kinds]
    )


def with_label(answer: Authorized, base: str, return_id: str) -> Authorized:
    """A return with the label that its buyer prints; without one if `base` is empty."""
    label = [Document(kind="return_label", url=f"{base}/{return_id}/return_label.pdf")] if base else []
    return msgspec.structs.replace(answer, documents=label)
