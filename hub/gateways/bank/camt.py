"""Reads statements in ISO 20022 camt.053 (any of its versions): booked entries only, batches by their transactions."""

from collections.abc import Iterator
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, fromstring  # what makes XML dangerous is refused before parsing

from hub.gateways.bank.csv_file import line_of
from hub.gateways.bank.malformed import malformed
from hub.gateways.bank.model import NewLine
from hub.gateways.bank.rules import compact_iban

BOOKED = "BOOK"
SIGNS = {"CRDT": 1, "DBIT": -1}
SAYS_NOTHING = frozenset({"NOTPROVIDED", "NONREF"})


def read(content: str, iban: str) -> list[NewLine]:
    """The lines of the account `iban`; numbers count entries. Raises `Invalid`, also for another account's statement."""
    wrong: list[tuple[int, str]] = []
    lines: list[NewLine] = []
    number = 0
    for statement in _statements(content):
        said = compact_iban(_text(statement, "Acct", "Id", "IBAN"))
        if said != iban:
            raise malformed([(0, f"this is the statement of {said or 'another account'}, not of ours")])
        for entry in _children(statement, "Ntry"):
            number += 1
            try:
                lines += _entry(number, entry)
            except ValueError as error:
                wrong.append((number, str(error)))
    if wrong:
        raise malformed(wrong)
    return lines


def _statements(content: str) -> list[Element]:
    if "<!DOCTYPE" in content or "<!ENTITY" in content:  # no bank sends one; with them go all entities but XML's own five
        raise malformed([(0, "a document type is not taken")])
    try:
        root = fromstring(content.removeprefix("\ufeff"))  # noqa: S314  # without a document type there is nothing to expand or to fetch
    except (ParseError, ValueError) as error:
        raise malformed([(0, f"this is not XML: {error}")]) from None
    report = _child(root, "BkToCstmrStmt")
    statements = [] if report is None else list(_children(report, "Stmt"))
    if not statements:
        raise malformed([(0, "there is no Document/BkToCstmrStmt/Stmt in it")])
    return statements


def _entry(number: int, entry: Element) -> Iterator[NewLine]:
    if (_text(entry, "Sts", "Cd") or _text(entry, "Sts")) != BOOKED:
        return
    details = [found for part in _children(entry, "NtryDtls") for found in _children(part, "TxDtls")]
    bank_id = _text(entry, "AcctSvcrRef") or (_text(details[0], "Refs", "AcctSvcrRef") if len(details) == 1 else "")
    if not bank_id:
        raise ValueError("it has no AcctSvcrRef, by which it would be known again")
    whole = _line(number, entry, entry, details[0] if details else None, bank_id)
    if len(details) <= 1:
        yield whole
        return
    parts = [_line(number, entry, part, part, f"{bank_id}/{place}") for place, part in enumerate(details, 1)]
    if sum(part.amount for part in parts) != whole.amount or {part.currency for part in parts} != {whole.currency}:
        raise ValueError("its transactions do not add up to it")
    yield from parts


def _line(number: int, entry: Element, part: Element, details: Element | None, bank_id: str) -> NewLine:
    """`part` is what has the amount: the entry, or one transaction of it."""
    amount = _amount(part)
    direction = _text(part, "CdtDbtInd") or _text(entry, "CdtDbtInd")
    if amount is None or direction not in SIGNS:
        raise ValueError("it has no amount, or no direction")
    booked = _text(entry, "BookgDt", "Dt") or _text(entry, "BookgDt", "DtTm")[:10]
    end_to_end = "" if details is None else _text(details, "Refs", "EndToEndId")
    cells = {
        "bank_id": bank_id,
        "booked_on": booked,
        "amount": (amount.text or "").strip(),
        "currency": amount.get("Ccy", ""),
        "reference": "" if details is None else _said(details),
        "payer_name": _party(details, "Dbtr"),
        "payer_iban": "" if details is None else _text(details, "RltdPties", "DbtrAcct", "Id", "IBAN"),
        "end_to_end_id": "" if end_to_end in SAYS_NOTHING else end_to_end,
    }
    return line_of(number, cells.get, sign=SIGNS[direction])


def _amount(part: Element) -> Element | None:
    direct = _child(part, "Amt")
    return _at(part, "AmtDtls", "TxAmt", "Amt") if direct is None else direct


def _party(details: Element | None, role: Literal["Dbtr"]) -> str:
    if details is None:
        return ""
    return _text(details, "RltdPties", role, "Pty", "Nm") or _text(details, "RltdPties", role, "Nm")


def _said(details: Element) -> str:
    """What the payer wrote: structured first."""
    remittance = _child(details, "RmtInf")
    if remittance is None:
        return ""
    structured = [_text(part, "CdtrRefInf", "Ref") for part in _children(remittance, "Strd")]
    return " ".join(text for text in [*structured, *((part.text or "").strip() for part in _children(remittance, "Ustrd"))] if text)


def _children(parent: Element, name: str) -> Iterator[Element]:
    """By name alone: each version of the standard has a namespace of its own."""
    return (child for child in parent if child.tag.rpartition("}")[2] == name)


def _child(parent: Element, name: str) -> Element | None:
    return next(_children(parent, name), None)


def _at(parent: Element, *path: str) -> Element | None:
    found: Element | None = parent
    for name in path:
        found = None if found is None else _child(found, name)
    return found


def _text(parent: Element, *path: str) -> str:
    found = _at(parent, *path)
    return "" if found is None else (found.text or "").strip()
