"""The linters themselves, so that an ordinary test run is never greener than `make lint`."""

import subprocess
import sys

import pytest

from tests.architecture.sources import CODE, ROOT

FOLDERS = (*CODE, "migrations", "tests")


def content(*command: str) -> None:
    """Fails with all that a linter complains of."""
    done = subprocess.run(["nice", "-n", "19", sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_ruff() -> None:
    content("ruff", "check", "--quiet", "--output-format", "concise", *FOLDERS)


def test_ruff_format() -> None:
    content("ruff", "format", "--check", "--quiet", *FOLDERS)


@pytest.mark.timeout(1200)
def test_types() -> None:
    """It takes minutes of every core, so it leaves them to whatever else runs beside it."""
    content("basedpyright", "--level", "error")
