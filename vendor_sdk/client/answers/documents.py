"""Papers of what was shipped or comes back."""

from vendor_sdk.client.answers import Answer


class Document(Answer, frozen=True):
    """One paper, as you told it: see `vendor_sdk.messages.Document`."""

    kind: str
    url: str
    name: str = ""
