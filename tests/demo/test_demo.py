"""`hub demo` against a real hub: the order completes, a part goes back, its way and its books are shown and proved."""

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WHEELWRIGHT")}


def test_the_demo_ends_well_and_shows_the_whole_way(scratch: Path):
    command = [sys.executable, "-m", "hub.cli", "demo", "--data", str(scratch / "nothing-runs-here")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for state in (
        "reserved",
        "authorized",
        "accepted",
        "captured",
        "shipped",
        "delivered",
        "transferred",
        "settled",
        "completed",
        "reversed",
        "succeeded",
    ):
        assert f"→ {state}" in done.stdout
    assert done.stdout.count("held for ") == 9  # three vendors: given, taken, and what is left
    assert "clearing at stripe" in done.stdout
    assert "equal to the cent" in done.stdout
    assert "the order is completed, its refund succeeded; provider and ledger are equal" in done.stdout
