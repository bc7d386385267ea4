"""`hub simulate` as somebody types it: one world that can be repeated, and fresh ones for a while."""

import re
import subprocess
import sys
from pathlib import Path

HUB = Path(sys.executable).parent / "hub"


def simulated(*words: str) -> tuple[int, str]:
    done = subprocess.run([HUB, "simulate", *words], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_world_is_told_with_what_repeats_it() -> None:
    (code, said), (_, again) = simulated("--seed", "3", "--orders", "8"), simulated("--seed", "3", "--orders", "8")
    assert code == 0, said
    digests = [re.findall(r"digest ([0-9a-f]{32})$", each, re.MULTILINE) for each in (said, again)]
    assert len(digests[0]) == 1, said
    assert digests[0] == digests[1]
    assert "seed 3, 8 orders" in said
    assert said.rstrip().endswith("no law was broken")


def test_fresh_worlds_are_counted_until_the_time_is_over() -> None:
    code, said = simulated("--seed", "5", "--orders", "4", "--for", "1")
    found = re.search(r"^(\d+) worlds from seed 5 on, (\d+) orders, \d+ a minute: no law was broken$", said, re.MULTILINE)
    assert code == 0, said
    assert found is not None, said
    assert int(found[2]) == 4 * int(found[1]) > 0
