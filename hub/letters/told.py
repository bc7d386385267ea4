"""A vendor's message that cannot be applied, as a letter: the same one again, in whatever stream it comes, is one letter."""

import hashlib
from collections.abc import Mapping
from typing import Protocol

from hub.letters.keep import Given
from vendor_sdk import messages, subjects


class Told(Protocol):
    """A message as it came; `vendor` is whose stream it came from."""

    @property
    def vendor(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


def refused(source: str, told: Told, reason: str, detail: str) -> Given:
    """The message with why it cannot be applied; it is the vendor's, whatever it claims."""
    message_id = told.headers.get(messages.MSG_ID) or f"{told.subject}:{hashlib.sha256(told.body).hexdigest()}"
    return Given(
        source=source,
        identity=f"{source}:{told.vendor}:{message_id}"[:500],
        target=told.vendor,
        kind=subjects.kind_of(told.subject) or told.subject[:200],
        reason=reason,
        detail=detail,
        headers=told.headers,
        payload=told.body.decode("utf-8", "replace"),
    )
