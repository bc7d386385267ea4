"""Owns what the walks share: a vendor's own system as a process, and what its developer writes into the three files."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vendor_sdk import shop
from vendor_sdk.new import OPEN

ROOT = Path(__file__).parents[2]
FILLED = Path(shop.__file__).parent / "corner"


@pytest.fixture
def shop_url() -> Iterator[str]:
    """The vendor's own system, as a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "tests.vendor_sdk.shop.server"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def fill(project: Path, url: str) -> None:
    """What a developer writes into the three files."""
    for name in OPEN:
        text = (FILLED / name).read_text().replace("tests.vendor_sdk.shop.corner.", "corner.").replace("http://127.0.0.1:8000", url)
        (project / "corner" / name if name.endswith(".py") else project / name).write_text(text)
