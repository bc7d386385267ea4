"""Owns what the architecture tests look at: the project's own files, parsed."""

import ast
import functools
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("hub", "spokes", "vendor_sdk")
SKIPPED = {
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".live",
    ".pytest_cache",
    ".ruff_cache",
    ".schemathesis",
    ".venv",
    ".wheelwright",
} | {
    "__pycache__",
    "build",
    "data",
    "dist",
}
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".conf", ".mako", ".lock", ".json", ".sql", ".sh", ""}


def files(*folders: str) -> Iterator[Path]:
    """Every text file below these folders of the project (all of it for none)."""
    for folder in folders or (".",):
        for at, names, leaves in os.walk(ROOT / folder):
            names[:] = sorted(name for name in names if name not in SKIPPED and not name.endswith(".egg-info"))
            yield from (Path(at, leaf) for leaf in sorted(leaves) if Path(leaf).suffix in TEXT)


def modules(*folders: str) -> list[Path]:
    """Every Python file below these folders."""
    return [path for path in files(*folders) if path.suffix == ".py"]


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(), str(path))


def named(path: Path) -> str:
    """A file's name as messages give it: relative to the project."""
    return str(path.relative_to(ROOT))
