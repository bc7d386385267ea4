"""Rows into pages that fit a message."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from vendor_sdk.feeds import ROWS_MAX, Row
from vendor_sdk.messages import BODY_BYTES_MAX

log = logging.getLogger(__name__)

PAGE_BYTES_MAX = BODY_BYTES_MAX - 1024
"""What the rows may take; the rest of a message is small."""

RowOut = dict[str, Any]


async def paged(rows: AsyncIterator[Row], patience: float) -> AsyncIterator[list[RowOut]]:
    """Pages of the rows, each waited for `patience` seconds at most (`TimeoutError`); no page for no rows."""
    page: list[RowOut] = []
    size = 0
    async for row in _patient(rows, patience):
        out, length = written(row)
        if page and (len(page) == ROWS_MAX or size + length > PAGE_BYTES_MAX):
            yield page
            page, size = [], 0
        page.append(out)
        size += length
    if page:
        yield page


def written(row: Row) -> tuple[RowOut, int]:
    """A row as it is told, and its bytes.

    One that fits no page is told as its SKU alone, which the hub reports as wrong: left out, it would count as no longer sold.
    """
    out: RowOut = msgspec.to_builtins(row)
    length = len(msgspec.json.encode(out)) + 1
    if length > PAGE_BYTES_MAX:
        log.error("a row of %d bytes cannot be told: %.128s", length, out.get("sku"))
        out = {"sku": str(out.get("sku"))[:128]}
        length = len(msgspec.json.encode(out)) + 1
    return out, length


async def _patient(rows: AsyncIterator[Row], patience: float) -> AsyncIterator[Row]:
    while True:
        try:
            async with asyncio.timeout(patience):
                row = await anext(rows)
        except StopAsyncIteration:
            return
        yield row
