"""What one cell says: units, money, words; pure."""

import re
from decimal import Decimal

import msgspec

from spokes.money import decimals
from vendor_sdk.messages import Id, Quantity, Reason, Sku
from vendor_sdk.words import Word

UNITS = re.compile(r"([0-9]{1,9})(?:[.,]0{1,2})?")
AMOUNT = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<group>[.,' ])[0-9]{3})(?:(?P=group)[0-9]{3})*|[0-9]+)(?:(?P<point>[.,])(?P<cents>[0-9]+))?"
)
UNITS_MAX = 1_000_000
AMOUNT_MAX = 10**12


class BadCell(Exception):
    """A cell that cannot be used: which column, and why."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def units(field: str, text: str, *, least: int = 0, most: int = UNITS_MAX) -> int:
    """A whole number of units. Raises `BadCell`."""
    match = UNITS.fullmatch(text)
    if match is None or not least <= int(match[1]) <= most:
        raise BadCell(field, f"a whole number from {least} to {most}, not {text[:32]!r}")
    return int(match[1])


def minor_units(field: str, text: str, currency: str) -> int:
    """An amount in the minor units of its currency, written with a decimal point or comma. Raises `BadCell`.

    One mark with three digits behind it (``1.234``) is refused where it could be either.
    """
    exponent = decimals(currency)
    match = AMOUNT.fullmatch(text)
    if match is None:
        raise BadCell(field, f"an amount such as 12.50, not {text[:32]!r}")
    whole, group, point, cents = match["whole"], match["group"], match["point"], match["cents"] or ""
    if group and group in ".," and not point and whole.count(group) == 1 and exponent:
        raise BadCell(field, f"{text[:32]!r} could be two amounts: write the decimals out")
    if group == point and group is not None:
        raise BadCell(field, f"an amount such as 12.50, not {text[:32]!r}")
    if len(cents.rstrip("0")) > exponent:
        raise BadCell(field, f"{currency} has {exponent} decimals")
    digits = re.sub(r"[^0-9]", "", whole)
    amount = int(Decimal(f"{digits}.{cents or '0'}").scaleb(exponent))
    if amount > AMOUNT_MAX:
        raise BadCell(field, "too large an amount")
    return amount


def currency_code(field: str, text: str) -> str:
    """An ISO 4217 code. Raises `BadCell`."""
    if not re.fullmatch(r"[A-Za-z]{3}", text):
        raise BadCell(field, f"three letters, not {text[:32]!r}")
    return text.upper()


def words(field: str, text: str, *, most: int, least: int = 1) -> str:
    """Text of `least` to `most` characters, without control characters. Raises `BadCell`."""
    if not least <= len(text) <= most:
        raise BadCell(field, f"{least} to {most} characters" if text else "it is missing")
    if not text.isprintable():
        raise BadCell(field, "control characters")
    return text


def sku(field: str, text: str) -> str:
    """A SKU. Raises `BadCell`."""
    return _typed(field, words(field, text, most=128), Sku)


def sub_order_id(field: str, text: str) -> str:
    """A sub-order's id. Raises `BadCell`."""
    return _typed(field, text, Id)


def reason(field: str, text: str, default: str) -> str:
    """A stable word; what stands there in people's words becomes one. Raises `BadCell`."""
    return _typed(field, "_".join(re.findall(r"[a-z0-9]+", text.casefold())) or default, Reason)


def code(field: str, text: str) -> str:
    """What a way of shipping is called among machines, in lower case. Raises `BadCell`."""
    return _typed(field, text.lower(), Word)


def category(field: str, text: str) -> str:
    """A category in the hub's letters, from people's words; empty where they have none of them. Raises `BadCell`."""
    return words(field, "-".join(re.findall(r"[a-z0-9_]+", text.casefold())), most=64, least=0)


def prose(field: str, text: str, *, most: int) -> str:
    """Text that may be empty, in one line. Raises `BadCell`."""
    return words(field, " ".join(text.split()), most=most, least=0)


def quantity(field: str, text: str) -> int:
    """Units of an order, at least one. Raises `BadCell`."""
    return msgspec.convert(units(field, text, least=1), Quantity)


def _typed(field: str, text: str, kind: object) -> str:
    try:
        return msgspec.convert(text, type=kind)  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportCallIssue] - an annotated type is one to msgspec
    except msgspec.ValidationError as error:
        raise BadCell(field, f"{str(error)[:80]}" if text else "it is missing") from error
