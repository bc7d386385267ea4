"""The words of `hub dlq` about single letters, and the command that all its words belong to."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from hub.dlq import by_itself, plans, quarantine, show, watch
from hub.dlq.change import changed
from hub.dlq.reach import HERE, Refused, Where, at, calling
from hub.dlq.sought import ANY, Sought, query
from hub.letters.states import LetterState

LISTED = 50

app = App(name="dlq", help="Look into what failed, mend it and send it again, or give it up; every act needs a reason and is kept.")
app.command(quarantine.app)
app.command(by_itself.app)
for _word in (plans.plan, plans.start, plans.pause, plans.resume, plans.abort, plans.plans, plans.plan_show, plans.items, watch.watch):
    app.command(_word)

Version = Annotated[int | None, Parameter(help="Refuse if somebody has touched it since this version.")]
Most = Annotated[int, Parameter(validator=Number(gte=1))]
Changes = Annotated[tuple[str, ...], Parameter(name="--set", negative="", help="/path=value, several times.")]


@app.command(name="list")
async def browse(*, state: LetterState | None = None, limit: Most = LISTED, sought: Sought = ANY, where: Where = HERE) -> None:
    """Dead letters, the newest first."""
    async with calling(where) as hub:
        rows = await hub.pages(at(), limit, **query(sought, state))
    if where.as_json:
        show.as_json(rows)
    else:
        show.console().print(show.letters(rows))


@app.command
async def groups(*, target: str | None = None, where: Where = HERE) -> None:
    """What failed alike and is not mended: how often, since when, and how much money is at risk."""
    async with calling(where) as hub:
        rows = await hub.get(at("groups"), target=target)
    if where.as_json:
        show.as_json(rows)
    else:
        show.console().print(show.groups(rows))


@app.command(name="show")
async def one(letter: str, /, *, where: Where = HERE) -> None:
    """One letter with its payload, every failed attempt, its order's timeline and what was done with it."""
    async with calling(where) as hub:
        found = await hub.get(at(letter))
    if where.as_json:
        show.as_json(found)
    else:
        show.console().print(*show.inspected(found), sep="\n")


@app.command
async def replay(letter: str, /, *, reason: str, version: Version = None, where: Where = HERE) -> None:
    """Send it again: the same command, never a second one."""
    await _act(where, letter, "replay", {"reason": reason}, version)


@app.command
async def edit(
    letter: str, /, *, reason: str, file: Path | None = None, changes: Changes = (), version: Version = None, where: Where = HERE
) -> None:
    """Mend what it says and show the difference; it is sent when it is replayed.

    --file PAYLOAD.json gives the whole payload, --set /path=value single values of the one it has (JSON, or plain text).
    """  # fmt: skip
    if (file is None) == (not changes):
        raise Refused("what it should say: give --file, or --set")
    async with calling(where) as hub:
        if file is None:
            seen = await hub.get(at(letter))
            payload, version = _set(seen["payload"], changes), seen["version"] if version is None else version
        else:
            payload = _read(file)
        answer = await hub.act(at(letter, "edit"), {"payload": payload, "reason": reason}, version)
        edited = await hub.get(at(letter))
    if where.as_json:
        show.as_json(answer)
        return
    last = next(act for act in edited["acts"] if act["what"] == "dead_letter.edited")
    show.console().print(show.differences(last["after"]["diff"]), show.letters([answer]), sep="\n")


@app.command
async def discard(
    letter: str,
    /,
    *,
    reason: str,
    compensation: Literal["cancel", "reroute", "by-hand"],
    answer_file: Path | None = None,
    version: Version = None,
    where: Where = HERE,
) -> None:
    """Give it up, with what makes up for it; that runs a while later, and until then `restore` undoes it.

    cancel: nobody delivers the part and the buyer pays nothing for it. reroute: another vendor delivers it. by-hand: it was done
    outside of the hub; --answer-file FILE.json says what the vendor would have told, as {"event": …, "payload": {…}}.
    """  # fmt: skip
    answer = None if answer_file is None else _read(answer_file)
    body = {"reason": reason, "compensation": compensation.replace("-", "_"), "answer": answer}
    await _act(where, letter, "discard", body, version)


@app.command
async def restore(letter: str, /, *, reason: str, version: Version = None, where: Where = HERE) -> None:
    """Undo a discard, as long as its compensation has not run."""
    await _act(where, letter, "restore", {"reason": reason}, version)


@app.command
async def assign(letter: str, assignee: str | None = None, /, *, reason: str = "", version: Version = None, where: Where = HERE) -> None:
    """Say who looks after it; nobody, if no name is given."""
    await _act(where, letter, "assign", {"assignee": assignee, "reason": reason}, version)


@app.command
async def note(letter: str, text: str, /, *, where: Where = HERE) -> None:
    """Write down what was found out."""
    await _act(where, letter, "notes", {"note": text}, None)


async def _act(where: Where, letter: str, verb: str, body: dict[str, Any], version: int | None) -> None:
    async with calling(where) as hub:
        answer = await hub.act(at(letter, verb), body, version)
    if where.as_json:
        show.as_json(answer)
    else:
        show.console().print(show.letters([answer]))


def _set(text: str, changes: tuple[str, ...]) -> Any:
    try:
        return changed(msgspec.json.decode(text), changes)
    except msgspec.DecodeError:
        raise Refused("its payload is no JSON: give the whole of it with --file") from None
    except ValueError as error:
        raise Refused(str(error)) from None


def _read(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except msgspec.DecodeError as error:
        raise Refused(f"{file} is no JSON: {error}") from None
