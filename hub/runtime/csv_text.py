"""Owns rows of text for spreadsheets: RFC 4180, with no cell that a spreadsheet would run as a formula."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

MEDIA_TYPE = "text/csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


class Number(str):
    """Digits that we wrote ourselves: they may begin with a minus."""

    __slots__ = ()


def line(cells: Sequence[str | int | None]) -> str:
    """One row, with its line end. None is an empty cell."""
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(value: str | int | None) -> str:
    if value is None:
        return ""
    text = str(value)
    if not isinstance(value, int | Number) and text.startswith(FORMULA):
        text = f"'{text}"
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(mark in text for mark in '",\r\n') else text


def wants_csv(request: Request[Any, Any, Any]) -> bool:
    """Whether the asker would rather have rows than JSON."""
    return request.headers.get("accept", "").split(",")[0].split(";")[0].strip().lower() == MEDIA_TYPE


def download(name: str, lines: AsyncIterator[str]) -> Any:
    """A response of rows as they are found, under a file name that is ours (`Any`: it may stand for the JSON of a handler)."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Stream(lines, media_type=f"{MEDIA_TYPE}; charset=utf-8; header=present", headers=headers)


CSV = {200: ResponseSpec(data_container=str, description="rows, the first with the names of the columns", media_type=MEDIA_TYPE)}
"""The OpenAPI entry of rows."""
