"""The linters themselves, so that an ordinary test run is never greener than `make lint`."""

import subprocess
import sys

from tests.architecture.sources import CODE, ROOT

FOLDERS = (*CODE, "migrations", "tests")


def said(*command: str) -> str:
    """What a linter complains of; nothing if it is content."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_ruff() -> None:
    assert said("ruff", "check", "--quiet", "--output-format", "concise", *FOLDERS) == ""


def test_ruff_format() -> None:
    assert said("ruff", "format", "--check", "--quiet", *FOLDERS) == ""


def test_types() -> None:
    assert said("basedpyright", "--level", "error") == ""
