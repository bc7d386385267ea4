"""Takes all ways by which a vendor ships, or none of them; in the caller's transaction, in which the vendor is locked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from hub.catalog import store as catalog
from hub.feeds.model import Tally
from hub.feeds.sheet import Sheet
from hub.kernel.errors import Invalid
from hub.runtime.bodies import pointer_of
from hub.runtime.database import Tx
from hub.vendors import store as vendors
from hub.vendors.model import ShippingOption


async def put_rates(tx: Tx, vendor: str, at: datetime, raw: Sequence[dict[str, Any]], sheet: Sheet) -> tuple[Tally, str]:
    """The vendor ships by these and by no others, if nothing newer is known; else why nothing was changed.

    Half a price list is none: with one row that is wrong nothing is taken. Quotes that were made keep their prices.
    """
    last = await vendors.options_told_at(tx, vendor)
    if last is not None and last >= at:
        return Tally(rows=len(raw), stale=len(raw)), ""
    before = {option.code: option for option in (await vendors.options_of(tx, [vendor])).get(vendor, [])}
    sold = await catalog.currencies_on_sale(tx, vendor)
    shipped = {option.price.currency for option in before.values()}
    after = dict(_read(sheet, raw, sold | shipped))
    if reason := _no_list(len(raw), after, sold & shipped):
        return Tally(rows=len(raw), failed=len(sheet.problems)), reason
    same = sum(before.get(code) == option for code, option in after.items())
    gone = len(before.keys() - after.keys())
    await vendors.replace_options(tx, vendor, list(after.values()), at, changed=bool(gone or same < len(after)))
    created = len(after.keys() - before.keys())
    return Tally(rows=len(raw), created=created, changed=len(after) - created - same, unchanged=same, withdrawn=gone), ""


def _no_list(told: int, good: dict[str, ShippingOption], needed: set[str]) -> str:
    """Why that is no price list; empty if it is one. A vendor's system that is broken tells an empty one, or half of one."""
    if told == 0:
        return "empty"
    if len(good) < told:
        return "rows_refused"
    if needed - {option.price.currency for option in good.values()}:
        return "currency_missing"
    return ""


def _read(sheet: Sheet, raw: Sequence[dict[str, Any]], currencies: set[str]) -> Iterator[tuple[str, ShippingOption]]:
    """The rows that are any, by their codes. A vendor that neither sells nor ships yet may do so in any currency."""
    seen: dict[str, int] = {}
    for index, row in enumerate(raw):
        try:
            option = msgspec.convert(row, ShippingOption)
        except msgspec.ValidationError as error:
            message, field = pointer_of(str(error))
            sheet.refuse(index, Invalid("invalid_request", message, field=field), status=400)
            continue
        if option.code in seen:
            sheet.refuse(index, Invalid("shipping_option_twice", f"row {seen[option.code]} has it already", field="/code"))
        elif currencies and option.price.currency not in currencies:
            foreign = f"the vendor neither sells nor ships in {option.price.currency}"
            sheet.refuse(index, Invalid("wrong_currency", foreign, field="/price/currency"))
        else:
            seen[option.code] = index
            yield option.code, option
