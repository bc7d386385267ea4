"""Reads a statement of our account that an operator has as CSV, and writes outgoing orders as CSV."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from datetime import date

from hub.gateways.bank.malformed import malformed
from hub.gateways.bank.model import BankOrder, NewLine
from hub.gateways.bank.rules import compact_iban
from hub.kernel import money
from hub.runtime import csv_text

NEEDED = ("bank_id", "booked_on", "amount", "currency")
COLUMNS = (*NEEDED, "reference", "payer_name", "payer_iban", "end_to_end_id")
ORDER_COLUMNS = ("end_to_end_id", "amount", "currency", "holder", "iban", "bic", "text")

_AMOUNT = re.compile(r"-?\d{1,13}(\.\d{1,3})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
TEXT_MAX = 500


def read(content: str) -> list[NewLine]:
    """Its lines. Raises `Invalid` naming every line that makes no sense."""
    reader = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""), strict=True)
    wrong: list[tuple[int, str]] = []
    lines: list[NewLine] = []
    heading: list[str] | None = None
    try:
        for row in reader:
            if heading is None:
                heading = _heading(row)
            elif row:
                try:
                    lines.append(_line(reader.line_num, heading, row))
                except ValueError as error:
                    wrong.append((reader.line_num, str(error)))
    except csv.Error as error:
        wrong.append((reader.line_num, str(error)))
    if heading is None:
        raise malformed([(1, "there is no heading")])
    if wrong:
        raise malformed(wrong)
    return lines


def _heading(row: Sequence[str]) -> list[str]:
    names = [name.strip() for name in row]
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown or len({*names}) < len(names):
        said = f"missing: {missing}" if missing else f"unknown: {unknown}" if unknown else "a column stands there twice"
        raise malformed([(1, f"the heading is not that of a bank file ({said}); columns are {', '.join(COLUMNS)}")])
    return names


def _line(number: int, heading: Sequence[str], row: Sequence[str]) -> NewLine:
    if len(row) != len(heading):
        raise ValueError(f"{len(row)} columns instead of {len(heading)}")
    cells = {name: cell.strip() for name, cell in zip(heading, row, strict=True)}
    return line_of(number, cells.get, sign=1)


def line_of(number: int, cell: Callable[[str], str | None], *, sign: int) -> NewLine:
    """A line of its `COLUMNS`, with `sign` times the amount. Raises `ValueError` saying what is wrong."""
    currency, amount, bank_id = cell("currency") or "", cell("amount") or "", cell("bank_id") or ""
    if not 1 <= len(bank_id) <= 100:  # noqa: PLR2004  # as in `model.Word`
        raise ValueError("bank_id must have 1 to 100 characters")
    if not _CURRENCY.fullmatch(currency):
        raise ValueError(f"{currency!r} is no currency")
    if not _AMOUNT.fullmatch(amount):
        raise ValueError(f"{amount!r} is no amount")
    units = sign * money.parse(amount, currency)
    if not 1 <= abs(units) <= money.AMOUNT_MAX:
        raise ValueError(f"{amount} is zero or too much")
    return NewLine(
        number=number,
        bank_id=bank_id,
        booked_on=date.fromisoformat(cell("booked_on") or ""),
        amount=units,
        currency=currency,
        text=(cell("reference") or "")[:TEXT_MAX],
        payer_name=(cell("payer_name") or "")[:70],
        payer_iban=compact_iban(cell("payer_iban")),
        end_to_end=(cell("end_to_end_id") or "")[:35] or None,
    )


def write(orders: Sequence[BankOrder]) -> str:
    """Outgoing orders for a bank, or a person, that reads no pain.001."""
    rows = [
        (each.end_to_end, money.show(each.amount, each.currency).split()[0], each.currency, each.holder, each.iban, each.bic, each.text)
        for each in orders
    ]
    return "".join(csv_text.line(row) for row in (ORDER_COLUMNS, *rows))
