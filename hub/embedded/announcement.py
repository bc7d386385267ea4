"""Owns what `hub run` prints once everything answers: the address, the keys and a buyer's first commands."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from hub.embedded.folder import Folder, write_private


def announcement(url: str, folder: Folder) -> str:
    """What to print. Keys and commands are those `hub seed` left in keys.json; what a shell needs goes into ask.sh."""
    lines = ["", f"  Wheelwright   {url}", f"  API docs      {url}/schema", f"  Data, logs    {folder.root}", ""]
    if folder.keys.exists():
        said: dict[str, Any] = json.loads(folder.keys.read_text())
        lines += _keys(said.get("keys", {}))
        lines += ["  A buyer's way:", "", *(f"    {line}" for line in _placed(said.get("commands", []), url, folder))]
        write_private(folder.shell, "".join(f"{line}\n" for line in _placed(said.get("shell", []), url, folder)).encode())
    return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])


def _placed(lines: list[str], url: str, folder: Folder) -> list[str]:
    return [line.replace("{url}", url).replace("{folder}", _short(folder.root)) for line in lines]


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _keys(keys: dict[str, Any]) -> list[str]:
    flat = [(f"{name} key", str(value)) for name, value in _flat(keys)]
    width = max((len(name) for name, _ in flat), default=0) + 2
    return [*(f"  {name:<{width}} {value}" for name, value in flat), ""]


def _flat(keys: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in keys.items():
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            yield from ((f"{name.removesuffix('s')} {word}", found) for word, found in _flat(inner))
        else:
            yield name, value
