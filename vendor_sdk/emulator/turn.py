"""One change of the book, with all that it needs to know: the moment, the terms, what the vendor's spoke can do, fresh ids."""

import secrets
from datetime import UTC, datetime

import msgspec

from vendor_sdk.emulator.model import Book, Moment, Terms

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BITS = 80
STORY_MAX = 10_000
"""Moments that are kept; older ones are forgotten."""


class Turn(msgspec.Struct, frozen=True):
    """A book that is being changed at `now` (unix seconds)."""

    book: Book
    now: float
    terms: Terms
    capabilities: frozenset[str]
    fresh: list[Moment] = []
    """What this change has told."""

    def note(self, about: str, event: str, says: str) -> None:
        """Write a line of the story."""
        moment = Moment(at=self.now, about=about, event=event, says=says)
        self.fresh.append(moment)
        self.book.story.append(moment)
        if len(self.book.story) > STORY_MAX:
            del self.book.story[0]

    def new_id(self, prefix: str) -> str:
        """An id that sorts by birth: never one of another run, for the vendor's own system remembers them."""
        fresh = int(self.now * 1000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        number = max(fresh, int(self.book.last_id or "0", 16) + 1)
        self.book.last_id = f"{number:x}"
        return f"{prefix}_{_base32(number, 26)}"


def moment(at: float) -> datetime:
    """Unix seconds as a moment in UTC."""
    return datetime.fromtimestamp(at, UTC)


def iso(at: float | None) -> str | None:
    """The same as text."""
    return None if at is None else moment(at).isoformat()


def _base32(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
