"""CSV as vendors send it and as they can open it: any of three encodings and delimiters in, one out; pure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import msgspec

ROWS_MAX = 100_000
BYTE_ORDERS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


class Unusable(Exception):
    """Nothing of the file can be used; `line` counts from 1, 0 is the whole file."""

    def __init__(self, problem: str, *, line: int = 0, field: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.field = field


class Line(msgspec.Struct, frozen=True):
    """One row by its columns' names; `number` is the line it ends on, from 1."""

    number: int
    cells: Mapping[str, str]


def decoded(body: bytes) -> str:
    """The text: UTF-8 (with or without a mark), UTF-16 with a mark, else Windows-1252. Raises `Unusable`."""
    try:
        text = body.decode(BYTE_ORDERS.get(body[:2], "utf-8-sig"))
    except UnicodeDecodeError as error:
        try:
            text = body.decode("cp1252")
        except UnicodeDecodeError:
            raise Unusable(f"neither UTF-8 nor Windows-1252: {error.reason}") from error
    if "\0" in text:
        raise Unusable("this is no text")
    return text


def lines(text: str, columns: Mapping[str, str]) -> Iterator[Line]:
    """The rows below the header, empty ones left out. `columns` translates names; their case and blanks do not matter.

    Raises `Unusable` for a header with one name twice, a quote that is never closed, and too many rows.
    """
    head, _, _ = text.lstrip().partition("\n")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    ours = {_normal(theirs): name for theirs, name in columns.items()}
    names: list[str] = []
    try:
        for count, row in enumerate(each for each in reader if any(cell.strip() for cell in each)):
            if not names:
                names = [ours.get(_normal(cell), _normal(cell)) for cell in row]
                _once(names)
                continue
            if count > ROWS_MAX:
                raise Unusable(f"more than {ROWS_MAX} rows", line=reader.line_num)
            yield Line(reader.line_num, {name: cell.strip() for name, cell in zip_longest(names, row[: len(names)], fillvalue="")})
    except csv.Error as error:
        raise Unusable(str(error), line=reader.line_num) from error


def text_of(rows: Sequence[Sequence[str | int]], delimiter: str) -> bytes:
    """Rows as a file; no cell of a stranger's is one that a spreadsheet would run as a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return file.getvalue().encode()


def _harmless(cell: str | int) -> str | int:
    if isinstance(cell, int):
        return cell
    text = " ".join(cell.split())
    return f"'{text}" if text.startswith(FORMULA) else text


def _normal(name: str) -> str:
    return "_".join(name.strip().casefold().replace("-", " ").split())


def _once(names: Sequence[str]) -> None:
    for name in names:
        if name and names.count(name) > 1:
            raise Unusable("this column is there twice", line=1, field=name[:64])
