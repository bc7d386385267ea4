"""Mends what a dead letter says, within its message's schema; what was sold, to whom and for how much stays as it was."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from hub.kernel.errors import Conflict, Invalid
from hub.letters import store
from hub.letters.states import LetterState
from hub.letters.store import Letter
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.triage.replay import lock
from vendor_sdk import messages

FIXED = frozenset({"sub_order_id", "order_id", "reserve_command_id", "submit_command_id", "items", "total", "currency", "shipping_price"})
"""Of a command: with another of these it would be another command, or the books would not agree with it."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that an edit changed; `path` is a JSON pointer (RFC 6901), and what is not there is null."""

    path: str
    before: Any
    after: Any


async def edit(tx: Tx, letter_id: str, payload: Any, *, why: str, version: int | None) -> Letter:
    """Give a letter another payload, to be sent when it is replayed.

    Raises `NotFound`, `Conflict` (``version_mismatch``, ``not_open``, ``not_editable``) and `Invalid`, naming the field.
    """
    letter = await lock(tx, letter_id)
    store.check(letter, version)
    if letter.state is not LetterState.OPEN:
        raise Conflict("not_open", f"it is {letter.state}", state=str(letter.state))
    before = _decoded(letter.payload)
    checked = _checked(letter, payload)
    if letter.source == "step":
        for name in sorted(FIXED & (before.keys() | checked.keys())):
            if before.get(name) != checked.get(name):
                raise Invalid("fixed", f"{name} is what the command is about; it stays", field=f"/payload/{name}")
    changes = list(differences(before, checked))
    if not changes:
        raise Invalid("unchanged", "that is what it says already", field="/payload")
    text = msgspec.json.encode(checked).decode()
    original = letter.payload if letter.original is None else letter.original
    await audit.note(tx, "dead_letter.edited", letter.id, why=why, before=before, after={"payload": checked, "diff": changes})
    return await store.change(tx, letter, payload=text, original=original)


def _checked(letter: Letter, payload: Any) -> dict[str, Any]:
    """The payload as its schema reads it."""
    known = {"step": messages.COMMANDS, "event": messages.EVENTS}.get(letter.source, {}).get(letter.kind)
    if known is None:
        raise Conflict("not_editable", f"{letter.kind} of {letter.source} has no schema by which an edit could be checked")
    try:
        return msgspec.to_builtins(msgspec.convert(payload, known))
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        pointer = "/payload" + path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
        raise Invalid("malformed", said, field=pointer) from error


def _decoded(text: str) -> dict[str, Any]:
    """What is no JSON object (a malformed event may be anything) has no fields."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """What differs, value by value."""
    old, new = _children(before), _children(after)
    if old and new and type(before) is type(after) and (isinstance(before, dict) or len(old) == len(new)):
        for name in sorted({*old, *new}, key=lambda name: (len(name) if name.isdigit() else 0, name)):
            yield from differences(old.get(name), new.get(name), f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
    elif before != after:
        yield Difference(path=path, before=before, after=after)


def _children(value: Any) -> dict[str, Any]:
    match value:
        case dict():
            return {str(name): each for name, each in cast("dict[Any, Any]", value).items()}
        case list():
            return {f"{number}": each for number, each in enumerate(cast("list[Any]", value))}
        case _:
            return {}
