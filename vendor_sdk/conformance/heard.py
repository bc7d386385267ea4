"""What came of one asking, and what a trial makes of it."""

from typing import Any, TypeVar

import msgspec

from vendor_sdk import messages
from vendor_sdk.errors import AdapterError, Unsupported
from vendor_sdk.messages import Message

M = TypeVar("M", bound=Message)

TEXT_MAX = 600


class Broken(Exception):
    """A rule is not kept: what was asked, what came, what should have come."""

    def __init__(self, *, asked: str, came: str, expected: str) -> None:
        super().__init__(f"asked: {asked}; came: {came}; expected: {expected}")
        self.asked = asked
        self.came = came
        self.expected = expected


class Late(Broken):
    """The same, of a call that had not ended when it had to: an adapter that is late is late each time, a busy machine once."""


class Unfinished(Exception):
    """The adapter says that it cannot do yet what its class promises."""


class Unseen(Exception):
    """Nothing was wrong as far as could be seen, and what the rule is about could not be: it is neither kept nor broken."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one asking: an answer (`kind` and `body`) or an `error`; `size` of the body in bytes."""

    asked: str
    kind: str = ""
    body: Message | None = None
    error: AdapterError | None = None
    size: int = 0
    seconds: float = 0.0

    @property
    def came(self) -> str:
        """In words."""
        if self.error is not None:
            wait = "" if self.error.retry_after is None else f", retry_after {self.error.retry_after:g} s"
            return short(f"error {self.error.code}{wait}: {self.error.message}")
        return said(self.kind, self.body) if self.body is not None else "nothing: it was too late"

    def broken(self, expected: str) -> Broken:
        """That this is not what should have come. Raises `Unfinished` if the adapter says that it is not written yet."""
        if isinstance(self.error, Unsupported):
            raise Unfinished(self.error.message)
        return Broken(asked=self.asked, came=self.came, expected=expected)

    def must(self, answer: type[M], expected: str = "") -> M:
        """The answer, which must be of that type. Raises `Broken` or `Unfinished`."""
        if isinstance(self.body, answer):
            return self.body
        raise self.broken(expected or answer.__name__)

    def must_be_one_of(self, answers: tuple[type[Message], ...], expected: str = "") -> Message:
        """The answer, which must be of one of those types. Raises `Broken` or `Unfinished`."""
        if isinstance(self.body, answers):
            return self.body
        raise self.broken(expected or " or ".join(answer.__name__ for answer in answers))


def said(kind: str, body: Message) -> str:
    """A message in words: its kind and its JSON."""
    return short(f"{kind} {messages.encode(body).decode()}")


def short(text: Any) -> str:
    """A text that fits a report."""
    text = str(text)
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"
