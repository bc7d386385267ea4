"""The walk of the README, timed: an empty environment with the wheel, a new project, its three files filled, certified."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vendor_sdk import shop
from tests.vendor_sdk.wheel import install
from vendor_sdk.conformance import report
from vendor_sdk.conformance.levels import LEVELS, RULES
from vendor_sdk.new import OPEN

ROOT = Path(__file__).parents[2]
FILLED = Path(shop.__file__).parent / "corner"
SECONDS_MAX = 60.0
PYTEST = ("pytest", "py.py", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")


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


def test_from_nothing_to_a_certified_adapter(wheel: Path, tmp_path: Path, shop_url: str) -> None:
    began = time.monotonic()
    sdk = [install(wheel, tmp_path / "venv", *PYTEST), "-m", "vendor_sdk.cli"]
    subprocess.run([*sdk, "new", "corner"], cwd=tmp_path, check=True, capture_output=True)
    project = tmp_path / "corner"

    unwritten = subprocess.run([*sdk, "certify"], cwd=project, check=False, capture_output=True, text=True)
    assert unwritten.returncode == 1
    assert unwritten.stdout.count("not written yet") == len(RULES)
    assert "FAILED" not in unwritten.stdout

    fill(project, shop_url)
    certified = subprocess.run([*sdk, "certify", "--report", "report"], cwd=project, check=False, capture_output=True, text=True)
    assert certified.returncode == 0, certified.stdout + certified.stderr
    seconds = time.monotonic() - began

    made = report.read((project / "report" / "report.json").read_bytes())
    assert made.passed
    assert [(level.level, level.passed) for level in made.levels] == [(level, True) for level in LEVELS]
    assert json.loads((project / "report" / "report.json").read_text())["adapter"] == "corner.adapter:Corner"
    assert "certified" in (project / "report" / "report.html").read_text()
    assert seconds < SECONDS_MAX

    tests = subprocess.run([sdk[0], "-m", "pytest", "-q", "-k", "stock"], cwd=project, check=False, capture_output=True, text=True)
    assert f"{len(LEVELS['stock'])} passed" in tests.stdout, tests.stdout
