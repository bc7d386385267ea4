"""`hub dlq watch`: a plan to its end, or the groups until nothing is left to mend, as a picture that renews itself."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Group, RenderableType
from rich.live import Live

from hub.dlq import show
from hub.dlq.plans import PLANS
from hub.dlq.reach import HERE, Where, at, calling

STANDS = frozenset({"done", "aborted", "paused"})
"""Where a plan does not go on by itself."""

Every = Annotated[float, Parameter(validator=Number(gte=0.1), help="Seconds between two looks.")]


async def watch(plan: str | None = None, /, *, every: Every = 1.0, where: Where = HERE) -> int:
    """Follow a plan until it ends or pauses; without one, the groups until none is left.

    Ends with 1 if the plan is not done, or any of its letters has failed. With --json one line for each change.
    """  # fmt: skip
    if plan is None:
        await _follow(where, every, at("groups"), show.groups, lambda groups: not groups)
        return 0
    seen = await _follow(where, every, at(PLANS, plan), lambda seen: Group(*show.plan(seen)), lambda seen: seen["state"] in STANDS)
    return int(seen["state"] != "done" or seen["items"]["failed"] > 0)


async def _follow(where: Where, every: float, path: str, picture: Callable[[Any], RenderableType], ended: Callable[[Any], bool]) -> Any:
    """What it was in the end."""
    before = None
    screen = show.console()
    async with calling(where) as hub:
        with Live(console=screen, auto_refresh=False) as live:
            while True:
                seen = await hub.get(path)
                if not where.as_json:
                    live.update(picture(seen), refresh=True)
                elif seen != before:
                    show.line(seen)
                if ended(seen):
                    break
                before = seen
                await asyncio.sleep(every)
    if not (screen.is_terminal or where.as_json):
        screen.print()  # elsewhere the last picture has no end of line
    return seen
