"""The words of `hub dlq rules`: what is replayed by itself once the breaker before its vendor has closed again."""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.text import Text

from hub.dlq import show
from hub.dlq.reach import HERE, Where, at, calling
from hub.dlq.text import plain, shown

RULES = "rules"

app = App(name="rules", help="What is replayed by itself once the breaker before its vendor has closed again.")


@app.command(name="list")
async def browse(*, where: Where = HERE) -> None:
    """Every rule, the newest first."""
    async with calling(where) as hub:
        _tell(where, await hub.get(at(RULES)))


@app.command
async def make(  # noqa: PLR0913  # one per option
    *,
    reason: str,
    target: str | None = None,
    kind: str | None = None,
    letter_reason: str | None = None,
    canary: int = 3,
    rate: float = 5.0,
    most: Annotated[int, Parameter(help="So many letters at once.")] = 500,
    tries_max: Annotated[int, Parameter(help="How often rules may try one letter.")] = 2,
    disabled: Annotated[bool, Parameter(negative="", help="To try it out first with `dry-run`.")] = False,
    where: Where = HERE,
) -> None:
    """Write a rule; what is not given is any."""
    same = {"target": target, "kind": kind, "letter_reason": letter_reason}
    bounds = {"canary": canary, "rate": rate, "most": most, "tries_max": tries_max}
    async with calling(where) as hub:
        _tell(where, [await hub.act(at(RULES), {"reason": reason, **same, **bounds, "enabled": not disabled})])


@app.command
async def switch(rule: str, to: Literal["on", "off"], /, *, reason: str, version: int | None = None, where: Where = HERE) -> None:
    """Let it act, or stop it."""
    async with calling(where) as hub:
        _tell(where, [await hub.act(at(RULES, rule, "switch"), {"enabled": to == "on", "reason": reason}, version)])


@app.command
async def dry_run(rule: str, /, *, where: Where = HERE) -> None:
    """What it would replay at this moment, on or off."""
    async with calling(where) as hub:
        would = await hub.get(at(RULES, rule, "dry-run"))
    if where.as_json:
        show.as_json(would)
        return
    at_risk = f", {shown(would['at_risk'])} at risk" if would["at_risk"] else ""
    show.console().print(
        Text(f"it would replay {would['count']}{at_risk}"), *(Text(plain(letter)) for letter in would["letters"]), sep="\n"
    )


def _tell(where: Where, answer: list[Any]) -> None:
    if where.as_json:
        show.as_json(answer)
    else:
        show.console().print(show.rules(answer))
