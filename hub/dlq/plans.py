"""The words of `hub dlq` about plans, by which many letters are replayed: previewed first, then started and followed."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from hub.dlq import show
from hub.dlq.reach import HERE, Where, at, calling
from hub.dlq.sought import ANY, Sought, filter_of

PLANS = "replays"
LISTED = 50

Version = Annotated[int | None, Parameter(help="Refuse if it has changed since this version.")]
Most = Annotated[int, Parameter(validator=Number(gte=1))]


async def plan(
    *letters: str,
    reason: str,
    canary: Annotated[int, Parameter(help="So many have to end well before any other is sent.")] = 5,
    rate: Annotated[float, Parameter(help="At last so many a second.")] = 10.0,
    failures_max: Annotated[int, Parameter(help="It pauses by itself when more have failed after the canary.")] = 5,
    sought: Sought = ANY,
    where: Where = HERE,
) -> None:
    """Freeze the set of open letters that match, or those named, and show it; nothing is sent before `start`."""
    body = {"filter": filter_of(sought, letters), "reason": reason, "canary": canary, "rate": rate, "failures_max": failures_max}
    async with calling(where) as hub:
        _tell(where, await hub.act(at(PLANS), body))


async def start(plan: str, /, *, reason: str, version: Version = None, where: Where = HERE) -> None:
    """Send the first few; when they have ended well, ever more."""
    await _act(where, plan, "start", reason, version)


async def pause(plan: str, /, *, reason: str, version: Version = None, where: Where = HERE) -> None:
    """Send nothing more for now."""
    await _act(where, plan, "pause", reason, version)


async def resume(plan: str, /, *, reason: str, version: Version = None, where: Where = HERE) -> None:
    """Go on: what has failed is tried again, with a canary anew."""
    await _act(where, plan, "resume", reason, version)


async def abort(plan: str, /, *, reason: str, version: Version = None, where: Where = HERE) -> None:
    """Send nothing more, for good; what was sent goes on."""
    await _act(where, plan, "abort", reason, version)


async def plans(*, limit: Most = LISTED, where: Where = HERE) -> None:
    """Plans, the newest first."""
    async with calling(where) as hub:
        rows = await hub.pages(at(PLANS), limit)
    if where.as_json:
        show.as_json(rows)
    else:
        show.console().print(show.plans(rows))


async def plan_show(plan: str, /, *, where: Where = HERE) -> None:
    """One plan, and how many of its letters stand where."""
    async with calling(where) as hub:
        _tell(where, await hub.get(at(PLANS, plan)))


async def items(
    plan: str,
    /,
    *,
    state: Literal["waiting", "sent", "ok", "failed", "skipped"] | None = None,
    limit: Most = LISTED,
    where: Where = HERE,
) -> None:
    """What became of each letter of a plan."""
    async with calling(where) as hub:
        rows = await hub.pages(at(PLANS, plan, "items"), limit, state=state)
    if where.as_json:
        show.as_json(rows)
    else:
        show.console().print(show.items(rows))


async def _act(where: Where, plan: str, verb: str, reason: str, version: int | None) -> None:
    async with calling(where) as hub:
        _tell(where, await hub.act(at(PLANS, plan, verb), {"reason": reason}, version))


def _tell(where: Where, plan: Any) -> None:
    if where.as_json:
        show.as_json(plan)
    else:
        show.console().print(*show.plan(plan), sep="\n")
