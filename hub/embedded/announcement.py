"""Owns what `hub run` prints once everything answers: the address, the keys and a buyer's first commands."""

import json
from typing import Any

from hub.embedded.folder import Folder


def announcement(url: str, folder: Folder) -> str:
    """What to print. Keys and commands are those `hub seed` left in keys.json, `{url}` in them stands for the address."""
    lines = ["", f"  Wheelwright   {url}", f"  API docs      {url}/schema", f"  Data, logs    {folder.root}", ""]
    if folder.keys.exists():
        said: dict[str, Any] = json.loads(folder.keys.read_text())
        lines += _keys(said.get("keys", {}))
        lines += ["  A buyer's way:", ""]
        lines += [f"    {line}" for command in said.get("commands", []) for line in str(command).replace("{url}", url).splitlines()]
    return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])


def _keys(keys: dict[str, Any], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in keys.items():
        lines += _keys(value, f"{prefix}{name} ") if isinstance(value, dict) else [f"  {prefix + name + ' key':<22}{value}"]  # pyright: ignore[reportUnknownArgumentType] - JSON
    return [*lines, ""] if not prefix else lines
