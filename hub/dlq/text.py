"""What others wrote, made fit for a terminal: it may say anything there and do nothing."""

from typing import Any

import msgspec

from hub.kernel import money

STRANGE = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """The text without what a terminal would obey: escapes, other control characters, marks that turn the direction of writing."""
    return "".join(letter if letter.isprintable() or letter == "\n" else STRANGE for letter in text.replace("\t", " "))


def shown(value: Any) -> str:
    """One value for people; null is nothing, an amount has its currency, a moment is in UTC to the second."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case {"amount": int(amount), "currency": str(currency)}:
            return money.show(amount, currency)
        case [{"amount": int(), "currency": str()}, *_]:
            return ", ".join(shown(each) for each in value)
        case str():
            return plain(value)
        case _:
            return plain(msgspec.json.encode(value).decode())


def moment(text: str | None) -> str:
    """A moment of the API for people."""
    return plain((text or "")[:19].replace("T", " "))
