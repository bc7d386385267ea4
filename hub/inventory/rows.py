"""Many offers or counts at once, row by row: a bad row says what is wrong with it and stops no other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from hub.catalog import store as catalog
from hub.catalog.model import BULK_MAX, OfferOfSku, OnHand
from hub.catalog.put_offers import check, check_against, look, put_checked, version
from hub.inventory import offers, stock
from hub.inventory.offers import VendorOffer
from hub.kernel.errors import Conflict, Invalid, NotFound, Refusal
from hub.runtime.bodies import pointer_of
from hub.runtime.database import Tx
from hub.runtime.problems import STATUS, Problem, problem
from hub.vendors import store as vendors
from vendor_sdk.messages import Sku

Version = Annotated[int, Meta(ge=0, description="the version last seen, 0 for none: the row is refused if it has changed")]


class OfferRow(OfferOfSku, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer as it is put, if its version is still the one named here."""

    version: Version | None = None


class StockRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many units of an offer the vendor has counted, not counting what is promised to orders."""

    sku: Sku
    stock: OnHand
    version: Version | None = None


class Rows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows as they come; what is wrong with one is said of that one."""

    rows: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=BULK_MAX)]


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the row at `index`: the `offer` (status 200, new: 201), or the `problem` for which nothing was done."""

    index: int
    status: int
    offer: VendorOffer | None = None
    problem: Problem | None = None


class RowResults(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each row, in their order; `failed` of them were not done."""

    data: list[RowResult]
    failed: int


Row = TypeVar("Row", OfferRow, StockRow)


class _Sheet(dict[int, RowResult]):
    """Results by index, as they become known."""

    def refuse(self, index: int, error: Refusal, status: int | None = None) -> None:
        facts: dict[str, Any] = error.facts
        field = f"/rows/{index}{error.field or ''}"
        said = problem(status or STATUS[type(error)], error.slug, error.detail, field=field, **facts)
        self[index] = RowResult(index=index, status=said.status, problem=said)

    def done(self) -> RowResults:
        results = [self[index] for index in sorted(self)]
        return RowResults(data=results, failed=sum(result.problem is not None for result in results))


async def put_offer_rows(tx: Tx, vendor: str, rows: Sequence[dict[str, Any]]) -> RowResults:
    """Put the offers of all rows that can be."""
    sheet = _Sheet()
    wanted = dict(_read(sheet, rows, OfferRow))
    known = await look(tx, vendor, list(wanted.values()))

    def checked(row: OfferRow) -> None:
        check(row, "")
        _check_version(row, version(known, row.sku))
        check_against(known, vendor, row)

    good = _passing(sheet, wanted, checked)
    put = await put_checked(tx, vendor, known, list(good.values())) if good else []
    await stock.set_on_hand(tx, {each.offer.id: row.stock for each, row in zip(put, good.values(), strict=True)})
    for (index, each), offer in zip(zip(good, put, strict=True), await offers.with_stock(tx, [each.offer for each in put]), strict=True):
        sheet[index] = RowResult(index=index, status=201 if each.created else 200, offer=offer)
    return sheet.done()


async def put_stock_rows(tx: Tx, vendor: str, rows: Sequence[dict[str, Any]]) -> RowResults:
    """Set the stock of all rows that can be."""
    sheet = _Sheet()
    wanted = dict(_read(sheet, rows, StockRow))
    await vendors.lock(tx, vendor)
    known = await catalog.offers_by_sku(tx, vendor, [row.sku for row in wanted.values()])

    def checked(row: StockRow) -> None:
        if row.sku not in known:
            raise NotFound("unknown_offer", f"no offer {row.sku}", field="/sku")
        _check_version(row, known[row.sku].version)

    good = _passing(sheet, wanted, checked)
    found = await offers.count(tx, vendor, {row.sku: row.stock for row in good.values()}) if good else []
    for index, offer in zip(good, found, strict=True):
        sheet[index] = RowResult(index=index, status=200, offer=offer)
    return sheet.done()


def _read(sheet: _Sheet, rows: Sequence[dict[str, Any]], shape: type[Row]) -> Iterator[tuple[int, Row]]:
    """The rows that are any, each SKU once."""
    seen: dict[str, int] = {}
    for index, raw in enumerate(rows):
        try:
            row = msgspec.convert(raw, shape)
        except msgspec.ValidationError as error:
            message, field = pointer_of(str(error))
            sheet.refuse(index, Invalid("invalid_request", message, field=field), status=400)
            continue
        if row.sku in seen:
            sheet.refuse(index, Invalid("sku_twice", f"row {seen[row.sku]} is about it already", field="/sku", row=seen[row.sku]))
            continue
        seen[row.sku] = index
        yield index, row


def _passing(sheet: _Sheet, wanted: dict[int, Row], checked: Callable[[Row], None]) -> dict[int, Row]:
    good: dict[int, Row] = {}
    for index, row in wanted.items():
        try:
            checked(row)
        except Refusal as error:
            sheet.refuse(index, error)
        else:
            good[index] = row
    return good


def _check_version(row: OfferRow | StockRow, now: int) -> None:
    if row.version is not None and row.version != now:
        raise Conflict("version_mismatch", f"it is at version {now} by now", field="/version", version=now)
