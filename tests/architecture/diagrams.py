"""Owns the state diagrams of hub/README.md: `python -m tests.architecture.diagrams --write` draws them from the tables."""

import re
import sys
from importlib import import_module
from typing import Any

from hub.kernel.machine import Machine
from tests.architecture.sources import ROOT, modules, named

README = ROOT / "hub" / "README.md"
BEGIN, END = "<!-- state diagrams: python -m tests.architecture.diagrams --write -->", "<!-- end of state diagrams -->"


def machines() -> list[Machine[Any, Any]]:
    """Every life of the hub, in the order of their files."""
    found: list[Machine[Any, Any]] = []
    for path in modules("hub"):
        if path.stem == "states":
            module = import_module(named(path).removesuffix(".py").replace("/", "."))
            found += [value for value in vars(module).values() if isinstance(value, Machine)]
    return found


def drawn() -> str:
    """All diagrams as the README has them."""
    parts = [f"**{machine.name.replace('_', '-')}**\n\n```mermaid\n{machine.mermaid()}\n```" for machine in machines()]
    return "\n\n".join([BEGIN, *parts, END])


def written(text: str) -> str:
    """`text` with the diagrams as they are now. Raises `ValueError` if it has no place for them."""
    new, places = re.subn(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: drawn(), text, flags=re.DOTALL)
    if places != 1:
        raise ValueError(f"hub/README.md needs {BEGIN} and {END}, once")
    return new


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        README.write_text(written(README.read_text()))
    else:
        sys.stdout.write(drawn() + "\n")
