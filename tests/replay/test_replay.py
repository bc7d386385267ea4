"""`hub replay` through the real command: a small history ends right, plainly and with parts killed all the while."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hub.replay.trouble import Kind
from tests.replay.history import write

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WHEELWRIGHT")}


def replay(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hub.cli", "replay", *words]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=150, check=False)


def test_every_order_ends_right_whatever_becomes_of_the_money(scratch: Path):
    done = replay(str(write(scratch / "orders", orders=40, vendors=10)), "--data", str(scratch / "replayed"), "--trouble", "50")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 40 orders ended right" in done.stdout
    assert "BROKEN" not in done.stdout
    assert done.stdout.count("holds") > 80
    said = " ".join(done.stdout.split())
    for kind in Kind:
        assert f"x {kind}" in said
    assert "disputes: 2 won, 2 lost" in said
    made, netted = re.findall(r"([\d.]+) BRL (?:made|netted)", said)
    assert float(made) >= float(netted) > 0
    assert re.search(r"[1-9]\d* made, [1-9]\d* refused", said)


def test_every_order_ends_right_though_parts_are_killed(scratch: Path):
    done = replay(
        str(write(scratch / "orders", orders=40, vendors=10)),
        "--data",
        str(scratch / "killed"),
        "--kill",
        "--rounds",
        "2",
        "--trouble",
        "20",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 40 orders ended right" in done.stdout
    kills = re.findall(r"SIGKILL (\w+) +\(process (\d+)\), (\d+) orders on their way", done.stdout)
    assert {victim: sum(kill[0] == victim for kill in kills) for victim in ("worker", "spokes", "broker")} == {
        "worker": 2,
        "spokes": 2,
        "broker": 2,
    }
    assert len({pid for _, pid, _ in kills}) == 6


def test_a_malformed_file_is_refused_before_anything_starts(scratch: Path):
    folder = write(scratch / "malformed")
    items = folder / "items.csv"
    items.write_text(items.read_text().replace(",12.69\n", ",12.6\n", 1))
    done = replay(str(folder), "--data", str(scratch / "never"))
    assert done.returncode == 1
    assert re.search(r"hub: items\.csv:\d+: freight: '12\.6' is no amount", done.stderr)
    assert not (scratch / "never").exists()
