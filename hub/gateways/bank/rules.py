"""Payment references (ISO 11649), which receipt is given back how far, and text that banks can carry; all pure."""

import re
import unicodedata
from collections.abc import Sequence

from hub.gateways.bank.model import BankLine
from hub.payments.facts import Abilities
from hub.vendors.money_terms import iban_adds_up

NAME = "bank"
ABILITIES = Abilities(holds=False, online=False, accounts=False, disputes=False)

BODY_LENGTH = 16
REFERENCE_LENGTH_MAX = 25
_CANDIDATE = re.compile(r"(?=(RF\d\d[0-9A-Z]{16,21}))")
_FOREIGN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")


def reference_of(order_id: str, number: int) -> str:
    """The reference of an order's payment, ``RF`` + two check digits + the end of the order's id; `number` tells several apart."""
    tail = re.sub(r"[^0-9A-Z]", "", order_id.upper())[-BODY_LENGTH:].rjust(BODY_LENGTH, "0")
    body = tail + (str(number) if number else "")
    digits = int("".join(str(int(character, 36)) for character in f"{body}RF00"))
    return f"RF{98 - digits % 97:02d}{body}"


def references_in(text: str) -> list[str]:
    """Everything in `text` that may be one of our references, however it was spaced, cased or run into other words."""
    packed = re.sub(r"[\s\-.,/:]+", "", text).upper()
    found = [match[1] for match in _CANDIDATE.finditer(packed)]
    return sorted({part[:length] for part in found for length in range(4 + BODY_LENGTH, len(part) + 1) if iban_adds_up(part[:length])})


def compact_iban(text: str | None) -> str | None:
    """An IBAN without spaces; None if it is none (form and check digits, ISO 13616)."""
    packed = re.sub(r"\s+", "", text or "").upper()
    return packed if re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", packed, re.ASCII) and iban_adds_up(packed) else None


def taken_back(receipts: Sequence[BankLine], amount: int) -> list[tuple[BankLine, int]]:
    """From which receipts `amount` goes back: the newest first, since what came last was too much."""
    parts: list[tuple[BankLine, int]] = []
    for line in sorted(receipts, key=lambda line: line.id, reverse=True):
        part = min(amount, line.amount)
        amount -= part
        if part:
            parts.append((line, part))
    return parts


def plain(text: str, length: int) -> str:
    """Text of the characters that every bank takes (EPC217-08), which no spreadsheet reads as a formula."""
    folded = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return " ".join(_FOREIGN.sub(" ", folded).split()).lstrip("=+-@ ")[:length].strip()
