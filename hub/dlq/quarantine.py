"""The words of `hub dlq quarantine`: what must not be replayed, by anybody."""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from hub.dlq import show
from hub.dlq.reach import HERE, Where, at, calling

QUARANTINES = "quarantines"

app = App(name="quarantine", help="What must not be replayed, by anybody, until it is lifted.")


@app.command(name="list")
async def browse(*, where: Where = HERE) -> None:
    """What stands now."""
    async with calling(where) as hub:
        _tell(where, await hub.get(at(QUARANTINES)))


@app.command
async def put(
    what: Literal["fingerprint", "target", "kind"],
    value: str,
    /,
    *,
    reason: str,
    until: Annotated[str | None, Parameter(help="A moment with its offset, 2026-01-31T12:00:00Z; else until it is lifted.")] = None,
    where: Where = HERE,
) -> None:
    """Bar all that failed alike, all of one vendor or all of one kind."""
    async with calling(where) as hub:
        _tell(where, [await hub.act(at(QUARANTINES), {"what": what, "value": value, "reason": reason, "until": until})])


@app.command
async def lift(quarantine: str, /, *, reason: str, where: Where = HERE) -> None:
    """Let it be replayed again."""
    async with calling(where) as hub:
        _tell(where, [await hub.act(at(QUARANTINES, quarantine, "lift"), {"reason": reason})])


def _tell(where: Where, answer: list[Any]) -> None:
    if where.as_json:
        show.as_json(answer)
    else:
        show.console().print(show.quarantines(answer))
