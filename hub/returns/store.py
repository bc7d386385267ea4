"""The only reader and writer of returns (states go through their life)."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, insert, select, update

from hub.kernel.errors import NotFound
from hub.orders import documents
from hub.returns.model import Return, ReturnLine
from hub.returns.states import RETURN
from hub.returns.tables import return_lines, returns
from hub.runtime.database import Tx
from hub.runtime.life import Life

RETURN_LIFE = Life(RETURN, returns, saga_column="order_id")

_RETURN = [returns.c[name] for name in Return.__struct_fields__ if name not in {"lines", "documents"}]
_LINE = [return_lines.c[name] for name in ReturnLine.__struct_fields__]
_l = return_lines.c

_OPEN, _OPEN_LINES = insert(returns), insert(return_lines)


async def open_return(tx: Tx, new: Return) -> None:
    """A requested return."""
    row = msgspec.structs.asdict(new)
    lines: list[ReturnLine] = row.pop("lines")
    row |= {"state": str(new.state)}
    del row["version"], row["created_at"], row["documents"]
    await tx.execute(_OPEN, row)
    await tx.execute(_OPEN_LINES, [msgspec.structs.asdict(line) | {"return_id": new.id} for line in lines])
    units = {line.line_id: line.quantity for line in lines}
    RETURN_LIFE.born(tx, new.id, new.order_id, data={"sub_order_id": new.sub_order_id, "units": units})


_ONE = select(*_RETURN).where(returns.c.id == bindparam("return_id"))
_OF_ORDER = select(*_RETURN).where(returns.c.order_id == bindparam("order")).order_by(returns.c.id)
_OF_PART = select(*_RETURN).where(returns.c.sub_order_id == bindparam("part")).order_by(returns.c.id)
_LINES = select(_l.return_id, *_LINE).where(_l.return_id.in_(bindparam("of", expanding=True))).order_by(_l.return_id, _l.line_id)


async def get(tx: Tx, return_id: str, *, vendor: str | None = None) -> Return:
    """One return. Raises `NotFound`, with `vendor` also for another vendor's."""
    found = await tx.one(_ONE, Return, {"return_id": return_id})
    if found is None or vendor not in {None, found.vendor}:
        raise NotFound("unknown_return", f"no return {return_id}")
    return (await _with_lines(tx, [found]))[0]


async def of_order(tx: Tx, order_id: str) -> list[Return]:
    """An order's returns, oldest first."""
    return await _with_lines(tx, await tx.all(_OF_ORDER, Return, {"order": order_id}))


async def of_part(tx: Tx, sub_order_id: str) -> list[Return]:
    """A sub-order's returns, oldest first."""
    return await _with_lines(tx, await tx.all(_OF_PART, Return, {"part": sub_order_id}))


async def where(tx: Tx, *conditions: ColumnElement[bool], limit: int) -> list[Return]:
    """Returns by conditions on `tables.returns`, newest first."""
    found = await tx.all(select(*_RETURN).where(*conditions).order_by(returns.c.id.desc()).limit(limit), Return)
    return await _with_lines(tx, found)


async def _with_lines(tx: Tx, found: Sequence[Return]) -> list[Return]:
    if not found:
        return []
    lines: dict[str, list[ReturnLine]] = {}
    for row in await tx.rows(_LINES, {"of": [each.id for each in found]}):
        lines.setdefault(row.return_id, []).append(msgspec.convert(row, ReturnLine, from_attributes=True))
    papers = await documents.of_each(tx, [each.id for each in found])
    return [msgspec.structs.replace(each, lines=lines.get(each.id, []), documents=papers.get(each.id, [])) for each in found]


_COUNT = update(return_lines).where(_l.return_id == bindparam("of_return"), _l.line_id == bindparam("of_line"))


async def count(tx: Tx, return_id: str, lines: Sequence[ReturnLine]) -> None:
    """Note what came back of each line. The order must be locked."""
    for line in lines:
        found: dict[str, Any] = {name: getattr(line, name) for name in ("good", "damaged", "rejected", "rejected_reason")}
        await tx.execute(_COUNT, {"of_return": return_id, "of_line": line.line_id, **found})
