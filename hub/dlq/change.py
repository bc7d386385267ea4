"""Changes single values of a payload: each is named by a JSON pointer (RFC 6901) and given as JSON, or as plain text."""

import copy
from collections.abc import Iterable
from typing import Any, cast

import msgspec


def changed(payload: Any, changes: Iterable[str]) -> Any:
    """The payload with each ``/path=value`` set. Raises `ValueError` for what has no such place."""
    new = copy.deepcopy(payload)
    for change in changes:
        path, is_set, value = change.partition("=")
        if not is_set or not path.startswith("/"):
            raise ValueError(f"{change} is no change: write /path=value")
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
        place = new
        for part in way:
            place = place[_key(place, part, path)]
        key = _key(place, last, path, new=True)
        place[key] = _value(value, place.get(key) if isinstance(place, dict) else place[key])
    return new


def _key(place: Any, part: str, path: str, *, new: bool = False) -> str | int:
    """Where `part` stands in `place`; an object may get a new field, a list does not grow, and a text has no parts."""
    if isinstance(place, dict) and (new or part in place):
        return part
    if isinstance(place, list) and part.isascii() and part.isdigit() and int(part) < len(cast("list[Any]", place)):
        return int(part)
    raise ValueError(f"{path} leads nowhere: there is no {part}")


def _value(text: str, before: Any) -> Any:
    """JSON where it is JSON, else the text itself; in the place of a text a number is a text, as of a street or a postal code."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return text if isinstance(before, str) and isinstance(value, int | float) else value
