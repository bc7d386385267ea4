"""Papers that go with goods, told by where they lie: part of `vendor_sdk.messages`, from where they are imported."""

from typing import Annotated, Literal

from msgspec import Meta

from vendor_sdk.words import Message

DOCUMENTS_MAX = 10

DocumentKind = Literal["label", "packing_slip", "invoice", "customs", "return_label", "other"]

Url = Annotated[str, Meta(max_length=2000, pattern=r"^https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?([/?][!-~]*)?$(?!\n)")]
"""Of https alone, in ASCII, and without a user or a password before the host."""

DocumentName = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]


class Document(Message, frozen=True, omit_defaults=True):
    """One paper, as a link that works without signing in, for as long as somebody may need it; `name` is what it is shown as.

    The hub keeps the link and never follows it. You and the hub's operators see all of them; the buyer sees an ``invoice`` and
    ``customs`` papers of what was shipped, and all that belong to its return.
    """

    kind: DocumentKind
    url: Url
    name: DocumentName = ""


Documents = Annotated[list[Document], Meta(max_length=DOCUMENTS_MAX)]
