"""Loads the rows of a vendor's file into the book: all that can be, in one transaction, together with the report on the others."""

import sqlite3
import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from spokes.flatfile import assortment, purchase, shelf, tariff
from spokes.flatfile.cells import BadCell
from spokes.flatfile.csv_text import text_of
from spokes.flatfile.folder import DONE, FAILED
from spokes.flatfile.names import Kind
from spokes.flatfile.purchase import LEFT, Purchase, State
from spokes.flatfile.sheets import AnswerRow, CatalogRow, Problem, RateRow, Row, Sheet, ShipmentRow, StockRow
from vendor_sdk.durable import Durable
from vendor_sdk.messages import Delivered, Message, Shortfall

Fact = tuple[str, Message, str]
"""Kind, message, and the command it is about."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file; `gone` are SKUs that a whole catalog does not name any more."""

    loaded: int
    gone: Sequence[str] = ()
    problems: Sequence[Problem]
    facts: Sequence[Fact] = ()
    text: bytes = b""

    @property
    def part(self) -> str:
        """Where the file belongs: among the failed only if nothing of it was loaded."""
        return DONE if self.loaded else FAILED


class Loader:
    """Into one vendor's book."""

    def __init__(self, vendor: str, file: Durable) -> None:
        self._vendor = vendor
        self._file = file

    async def before(self, kind: Kind, digest: str) -> tuple[str, bytes] | None:
        """Where the same content was filed, and the report on it. What says how things are counts only until another was loaded."""

        def work(db: sqlite3.Connection) -> tuple[str, bytes] | None:
            every = "SELECT part, report, digest FROM loaded WHERE vendor = ? AND kind = ?"
            if kind in {Kind.STOCK, Kind.CATALOG, Kind.RATES}:
                last = db.execute(f"{every} ORDER BY id DESC LIMIT 1", (self._vendor, kind)).fetchone()
                return last[:2] if last and last[2] == digest else None
            same = db.execute(f"{every} AND digest = ?", (self._vendor, kind, digest)).fetchone()
            return same and same[:2]

        return await self._file.do(work)

    async def load(self, sheet: Sheet, digest: str) -> Report:
        """Load what can be, and remember the report with it."""

        def work(db: sqlite3.Connection) -> Report:
            problems = list(sheet.problems)
            facts: list[Fact] = []
            good = 0
            if sheet.kind is Kind.RATES and not problems:
                tariff.drop_others(db, self._vendor, sheet.rows)
            for rows in grouped(sheet.rows):
                try:
                    facts += APPLY[sheet.kind](db, self._vendor, rows)
                    good += len(rows)
                except BadCell as error:
                    problems += [Problem(row.line, error.field, error.problem) for row in rows]
            whole = sheet.kind is Kind.CATALOG and not problems
            gone = assortment.drop_others(db, self._vendor, sheet.rows) if whole else []
            report = Report(loaded=good, gone=gone, problems=problems, facts=facts, text=report_text(good, problems))
            self._remember(db, sheet.kind, digest, report)
            return report

        return await self._file.do(work)

    async def fail(self, kind: Kind, digest: str, problem: Problem) -> Report:
        """Remember that nothing of a file can be used."""
        report = Report(loaded=0, problems=[problem], text=report_text(0, [problem]))
        await self._file.do(lambda db: self._remember(db, kind, digest, report))
        return report

    def _remember(self, db: sqlite3.Connection, kind: Kind, digest: str, report: Report) -> None:
        row = (self._vendor, kind, digest, report.part, report.text, time.time())
        db.execute("INSERT INTO loaded (vendor, kind, digest, part, report, at) VALUES (?, ?, ?, ?, ?, ?)", row)


def grouped(rows: Sequence[Row]) -> list[list[Row]]:
    """What belongs together is loaded together: a sub-order's rows; of stock, catalog and rates each row by itself."""
    groups: dict[str | int, list[Row]] = {}
    for row in rows:
        its = row.sub_order_id if isinstance(row, AnswerRow | ShipmentRow) else row.line
        groups.setdefault(its, []).append(row)
    return list(groups.values())


def report_text(loaded: int, problems: Sequence[Problem]) -> bytes:
    """The report as a file."""
    rows = [(each.line, each.field, each.problem, each.value) for each in sorted(problems, key=lambda each: each.line)]
    bad = len({each.line for each in problems})
    return text_of([("line", "field", "problem", "value"), (0, "", f"{loaded} rows loaded, {bad} not", ""), *rows], ",")


def _stock(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> list[Fact]:
    for row in rows:
        assert isinstance(row, StockRow)
        _known_sku(db, vendor, row.sku)
        db.execute("INSERT OR REPLACE INTO stock VALUES (?, ?, ?)", (vendor, row.sku, row.quantity))
    return []


def _known_sku(db: sqlite3.Connection, vendor: str, sku: str) -> None:
    """Where a catalog was loaded, it says what there is."""
    if not assortment.is_sold(db, vendor, sku):
        raise BadCell("sku", "it is not in the catalog")


def _catalog(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> list[Fact]:
    for row in rows:
        assert isinstance(row, CatalogRow)
        assortment.put(db, vendor, row)
    return []


def _rates(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> list[Fact]:
    for row in rows:
        assert isinstance(row, RateRow)
        tariff.put(db, vendor, row)
    return []


def _answers(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> list[Fact]:
    answers = [row for row in rows if isinstance(row, AnswerRow)]
    its = _found(db, vendor, answers[0].sub_order_id)
    if its.state is not State.ASKED:
        raise BadCell("sub_order_id", f"it is {its.state} already")
    short = shortfalls(its, answers)
    if not purchase.taken_on(its.items, short):
        shelf.let_go(db, vendor, its.sub_order_id)
        reason = next(row.reason for row in answers if not row.is_yes or row.sku)
        its = purchase.save(db, vendor, replace(its, state=State.DECLINED, reason=reason))
        return [("orders.declined", purchase.decision(its), its.submit_command_id)]
    shelf.hold(db, vendor, (its.sub_order_id, its.submit_command_id), purchase.taken_on(its.items, short), None)
    its = purchase.save(db, vendor, replace(its, state=State.ACCEPTED, short=short))
    return [("orders.accepted", purchase.decision(its), its.submit_command_id)]


def shortfalls(its: Purchase, answers: Sequence[AnswerRow]) -> list[Shortfall]:
    """The units that these answers do not take on; a no without a SKU is about all. Raises `BadCell` where they do not fit the order."""
    asked = shelf.units(its.items)
    no = next((row for row in answers if not row.is_yes and not row.sku), None)
    if no is not None:
        return [Shortfall(sku=sku, quantity=quantity, reason=no.reason) for sku, quantity in asked.items()]
    short: list[Shortfall] = []
    for row in answers:
        if not row.sku:
            continue
        if row.sku not in asked:
            raise BadCell("sku", "it is not in this order, or it is there twice")
        quantity = asked.pop(row.sku)
        if row.quantity > quantity:
            raise BadCell("quantity", f"{quantity} were ordered")
        off = quantity - row.quantity if row.is_yes else row.quantity
        if off:
            short.append(Shortfall(sku=row.sku, quantity=off, reason=row.reason))
    return short


def _shipments(db: sqlite3.Connection, vendor: str, rows: Sequence[Row]) -> list[Fact]:
    shipments = [row for row in rows if isinstance(row, ShipmentRow)]
    its = _found(db, vendor, shipments[0].sub_order_id)
    parcels = [row.parcel for row in shipments if row.parcel is not None]
    facts: list[Fact] = []
    if parcels and its.state is not State.ORDERED:
        raise BadCell("sub_order_id", f"it is {its.state}" + ("" if its.state in LEFT else ", and not to be sent"))
    if parcels:
        shelf.take_out(db, vendor, its.sub_order_id)
        its = purchase.save(db, vendor, replace(its, state=State.SHIPPED, parcels=parcels))
        facts.append(("shipping.shipped", purchase.dispatch(its), its.ship_command_id))
    if any(row.parcel is None for row in shipments):
        if its.state not in LEFT:
            raise BadCell("status", f"it is {its.state}, and cannot have arrived")
        purchase.save(db, vendor, replace(its, state=State.DELIVERED))
        facts.append(("shipping.delivered", Delivered(sub_order_id=its.sub_order_id), its.ship_command_id))
    return facts


def _found(db: sqlite3.Connection, vendor: str, sub_order_id: str) -> Purchase:
    its = purchase.find(db, vendor, sub_order_id)
    if its is None:
        raise BadCell("sub_order_id", "there is no such sub-order")
    return its


APPLY: dict[Kind, Callable[[sqlite3.Connection, str, Sequence[Row]], list[Fact]]] = {
    Kind.STOCK: _stock,
    Kind.CATALOG: _catalog,
    Kind.RATES: _rates,
    Kind.ANSWERS: _answers,
    Kind.SHIPMENTS: _shipments,
}
