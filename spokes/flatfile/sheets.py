"""A vendor's file as rows of one kind, and what is wrong with the others; pure."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from spokes.flatfile import cells
from spokes.flatfile.cells import BadCell
from spokes.flatfile.csv_text import Line, Unusable, decoded, lines
from spokes.flatfile.names import Kind
from vendor_sdk.messages import Parcel

Cells = Mapping[str, str]
VALUE_MAX = 64
DESCRIPTION_MAX = 5_000
DAYS_MAX = 365


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Something on line `line` of a file."""

    line: int


class StockRow(Row, frozen=True, kw_only=True):
    """The units of a SKU that lie in the house."""

    sku: str
    quantity: int


class CatalogRow(Row, frozen=True, kw_only=True):
    """What a SKU is; `price` in minor units, `category` empty where none is named."""

    sku: str
    title: str
    price: int
    currency: str
    category: str = ""
    description: str = ""


class RateRow(Row, frozen=True, kw_only=True):
    """A way by which the vendor ships; `price` in minor units for the parcel."""

    code: str
    name: str
    price: int
    currency: str
    days: int


class AnswerRow(Row, frozen=True, kw_only=True):
    """Yes or no to a sub-order, or with a SKU to some units of it."""

    sub_order_id: str
    is_yes: bool
    sku: str = ""
    quantity: int = 0
    reason: str = ""


class ShipmentRow(Row, frozen=True, kw_only=True):
    """A parcel that has left, or the news that a sub-order arrived."""

    sub_order_id: str
    parcel: Parcel | None


class Problem(msgspec.Struct, frozen=True):
    """What was not loaded, and why; line 0 is the whole file."""

    line: int
    field: str
    problem: str
    value: str = ""


class Sheet(msgspec.Struct, frozen=True):
    """A file as far as it can be read."""

    kind: Kind
    rows: Sequence[Row]
    problems: Sequence[Problem]


NEEDED = {
    Kind.STOCK: ("sku", "quantity"),
    Kind.CATALOG: ("sku", "title", "price", "currency"),
    Kind.RATES: ("code", "name", "price", "currency", "days"),
    Kind.ANSWERS: ("sub_order_id", "answer"),
    Kind.SHIPMENTS: ("sub_order_id", "carrier", "tracking_number"),
}
ANSWERS = {"accepted": True, "accept": True, "yes": True, "declined": False, "decline": False, "no": False}
SHIPMENTS = {"": "shipped", "shipped": "shipped", "delivered": "delivered"}
"""Every word that a vendor may write; any other is a problem on its line, and what it is about stays pending."""


def read_sheet(kind: Kind, body: bytes, columns: Mapping[str, str]) -> Sheet:
    """The rows of a file of this kind. Raises `Unusable` if nothing of it can be used."""
    rows: list[Row] = []
    problems: list[Problem] = []
    seen = False
    for line in lines(decoded(body), columns):
        if not seen:
            _complete(kind, line.cells)
            seen = True
        try:
            rows.append(READERS[kind](line))
        except BadCell as error:
            problems.append(Problem(line.number, error.field, error.problem, line.cells.get(error.field, "")[:VALUE_MAX]))
    if not seen:
        raise Unusable("there is no row below the header")
    return Sheet(kind, rows, problems)


def _complete(kind: Kind, cells_: Cells) -> None:
    missing = [name for name in NEEDED[kind] if name not in cells_]
    if missing:
        raise Unusable("this column is missing", line=1, field=", ".join(missing))


def _stock(line: Line) -> StockRow:
    its = line.cells
    return StockRow(line=line.number, sku=cells.sku("sku", its.get("sku", "")), quantity=cells.units("quantity", its.get("quantity", "")))


def _catalog(line: Line) -> CatalogRow:
    its = line.cells
    currency = cells.currency_code("currency", its.get("currency", ""))
    return CatalogRow(
        line=line.number,
        sku=cells.sku("sku", its.get("sku", "")),
        title=cells.words("title", its.get("title", ""), most=200),
        price=cells.minor_units("price", its.get("price", ""), currency),
        currency=currency,
        category=cells.category("category", its.get("category", "")),
        description=cells.prose("description", its.get("description", ""), most=DESCRIPTION_MAX),
    )


def _rate(line: Line) -> RateRow:
    its = line.cells
    currency = cells.currency_code("currency", its.get("currency", ""))
    return RateRow(
        line=line.number,
        code=cells.code("code", its.get("code", "")),
        name=cells.words("name", its.get("name", ""), most=200),
        price=cells.minor_units("price", its.get("price", ""), currency),
        currency=currency,
        days=cells.units("days", its.get("days", ""), most=DAYS_MAX),
    )


def _answer(line: Line) -> AnswerRow:
    its = line.cells
    answer = ANSWERS.get(its.get("answer", "").casefold())
    if answer is None:
        raise BadCell("answer", f"one of {', '.join(ANSWERS)}")
    sku = its.get("sku", "")
    return AnswerRow(
        line=line.number,
        sub_order_id=cells.sub_order_id("sub_order_id", its.get("sub_order_id", "")),
        is_yes=answer,
        sku=cells.sku("sku", sku) if sku else "",
        quantity=cells.quantity("quantity", its.get("quantity", "")) if sku else 0,
        reason=cells.reason("reason", its.get("reason", ""), "out_of_stock"),
    )


def _shipment(line: Line) -> ShipmentRow:
    its = line.cells
    sub_order_id = cells.sub_order_id("sub_order_id", its.get("sub_order_id", ""))
    status = SHIPMENTS.get(its.get("status", "").casefold())
    if status is None:
        raise BadCell("status", f"one of {', '.join(filter(None, SHIPMENTS))}")
    if status == "delivered":
        return ShipmentRow(line=line.number, sub_order_id=sub_order_id, parcel=None)
    carrier = cells.words("carrier", its.get("carrier", ""), most=64)
    number = cells.words("tracking_number", its.get("tracking_number", ""), most=128)
    return ShipmentRow(line=line.number, sub_order_id=sub_order_id, parcel=Parcel(carrier=carrier, tracking_number=number))


READERS: dict[Kind, Callable[[Line], Row]] = {
    Kind.STOCK: _stock,
    Kind.CATALOG: _catalog,
    Kind.RATES: _rate,
    Kind.ANSWERS: _answer,
    Kind.SHIPMENTS: _shipment,
}
