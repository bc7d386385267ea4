"""``vendor-sdk new``: a project for one adapter, complete but for its three files to be filled."""

import argparse
import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from vendor_sdk.errors import Misconfigured

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
STARTER = "starter"
SUFFIX = ".txt"
"""So that no tool takes a template for code."""

RESERVED = frozenset({"test", "tests", "vendor_sdk", "spokes"})

OPEN = ("adapter.py", "upstream.py", "certify.toml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a new project takes."""
    parser.add_argument("name", metavar="NAME", help="what the adapter is called, e.g. my_shop")
    parser.add_argument("--dir", type=Path, default=Path(), metavar="DIR", help="where the project's folder is made (default: here)")


def run(arguments: argparse.Namespace) -> int:
    """0 when it is written, 2 when it cannot be."""
    try:
        project = create(arguments.name, arguments.dir)
    except (Misconfigured, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{project} is there. Fill {', '.join(OPEN)}, then: cd {project} && vendor-sdk certify\n")
    return 0


def create(name: str, where: Path) -> Path:
    """Write the project of that name below `where`; its folder. Raises `Misconfigured` for a bad name or if anything is there already."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or name in sys.stdlib_module_names | RESERVED:
        raise Misconfigured(f"{name!r} is no name for an adapter: 2 to 40 of a-z, 0-9 and _, not a word or a module of Python")
    project = where / name
    if project.exists():
        raise Misconfigured(f"{project} exists: nothing was written")
    if _is_installed(name):
        raise Misconfigured(f"{name!r} is no name for an adapter: a module called so is installed here, and one would hide the other")
    project.mkdir(parents=True)
    vendor = name.replace("_", "-").rstrip("-")
    words = {
        "{{name}}": name,
        "{{Name}}": name.title().replace("_", ""),
        "{{vendor}}": vendor,
        "{{VENDOR}}": vendor.upper().replace("-", "_"),
    }
    for path, text in _templates(resources.files("vendor_sdk") / STARTER):
        file = project / _filled(path.removesuffix(SUFFIX), words)
        file.parent.mkdir(exist_ok=True)
        with file.open("x", encoding="utf-8") as writing:
            writing.write(_filled(text, words))
    return project


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # it is loaded, and does not say from where
        return True


def _templates(folder: Traversable, within: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each; a folder or file called ``{{name}}`` bears the adapter's name."""
    for each in sorted(folder.iterdir(), key=lambda found: found.name):
        if each.is_dir():
            yield from _templates(each, f"{within}{each.name}/")
        elif each.name.endswith(SUFFIX):
            yield f"{within}{each.name}", each.read_text("utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text
