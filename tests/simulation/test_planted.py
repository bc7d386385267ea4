"""Each planted mistake is caught, and for its own reason; without it the same worlds and tests say nothing."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.planted import PLANTS, Edit, Law, Plant, Quick

ROOT = Path(__file__).parents[2]
SEEDS_MAX = 30
"""The world that a plant names is tried first; others because each change of the simulation throws its dice anew."""
COPIED = ("hub", "vendor_sdk", "spokes", "config", "migrations", "tests", "pyproject.toml")
SOURCE = """
import json, sys
def told(**what):
    own = sorted(m.__file__ for n, m in sys.modules.items() if n.split(".")[0] in {"hub", "vendor_sdk"} and getattr(m, "__file__", None))
    print("\\n" + json.dumps({"files": own, **what}))
"""
SIMULATES = f"""{SOURCE}
from hub.simulation import world
from hub.simulation.run import Case, simulate
world.REST_DAYS_MAX = 15  # sound worlds of this size rest within a fortnight
said = {{}}
without = frozenset(filter(None, sys.argv[4].split(",")))
for seed, orders in json.loads(sys.argv[1]):
    said[f"{{seed}}:{{orders}}"] = breaches = simulate(Case(seed=seed, orders=orders, without=without)).breaches
    if any(breach.startswith(sys.argv[2]) and sys.argv[3] in breach for breach in breaches):
        break
told(said=said)
"""
TESTS = f"""{SOURCE}
import pytest
told(code=pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
"""


class Copy:
    """A project of its own, in which mistakes are planted and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy(source, folder / name)
        # Checked by hash: a plant is compiled anew though it may be as old and as long as what it replaces.
        compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "hub", "vendor_sdk"]
        subprocess.run(compiling, cwd=folder, check=True)

    @contextmanager
    def planted(self, edits: Sequence[Edit]) -> Iterator[None]:
        """As long as this lasts the mistake is there."""
        before = {edit.file: (self.folder / edit.file).read_text() for edit in edits}
        try:
            for edit in edits:
                file = self.folder / edit.file
                text = file.read_text()
                times = text.count(edit.find)
                assert times == 1, f"the plant must be renewed: {edit.file} has {times} times {edit.find!r}"
                file.write_text(text.replace(edit.find, edit.put))
            yield
        finally:
            for name, text in before.items():
                (self.folder / name).write_text(text)

    def run(self, program: str, *arguments: str) -> tuple[dict[str, Any], str]:
        """What a program told in the copy, and all that it printed."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"files"')]
        assert lines, done.stdout[-4000:]
        told = json.loads(lines[-1])
        assert all(file.startswith(f"{self.folder}/") for file in told["files"]), "something else than the copy was run"
        return told, done.stdout

    def imported(self, told: dict[str, Any], edits: Sequence[Edit]) -> bool:
        """Whether what was planted is what was run."""
        return all(str(self.folder / edit.file) in told["files"] for edit in edits)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("planted").resolve())


@pytest.fixture(scope="module")
def caught_in() -> list[str]:
    """The worlds that caught something, as ``seed:orders``."""
    return []


def _of(kind: type) -> list[Plant]:
    return [plant for plant in PLANTS if isinstance(plant.caught_by, kind)]


def test_without_a_plant_the_quick_tests_pass(copy: Copy) -> None:
    told, printed = copy.run(TESTS, *sorted({plant.caught_by.test for plant in PLANTS if isinstance(plant.caught_by, Quick)}))
    assert told["code"] == pytest.ExitCode.OK, printed[-4000:]


@pytest.mark.parametrize("plant", _of(Law), ids=lambda plant: plant.name)
def test_the_simulation_catches(copy: Copy, caught_in: list[str], plant: Plant) -> None:
    caught_by = plant.caught_by
    assert isinstance(caught_by, Law)
    seeds = [caught_by.seed, *(seed for seed in range(1, SEEDS_MAX) if seed != caught_by.seed)]
    with copy.planted(plant.edits):
        worlds = json.dumps([(seed, caught_by.orders) for seed in seeds])
        told, _ = copy.run(SIMULATES, worlds, f"{caught_by.law}: ", caught_by.says, ",".join(caught_by.without))
        world, breaches = list(told["said"].items())[-1]
        if caught_by.needs:
            same = json.dumps([[int(number) for number in world.split(":")]])
            harmless, _ = copy.run(SIMULATES, same, "", "", ",".join([*caught_by.without, *caught_by.needs]))
            assert harmless["said"] == {world: []}
    assert copy.imported(told, plant.edits)
    assert any(breach.startswith(f"{caught_by.law}: ") and caught_by.says in breach for breach in breaches), told["said"]
    caught_in.append(world)


def test_without_a_plant_the_same_worlds_break_no_law(copy: Copy, caught_in: list[str]) -> None:
    worlds = [[int(number) for number in world.split(":")] for world in sorted(set(caught_in) or {"1:40"})]
    told, _ = copy.run(SIMULATES, json.dumps(worlds), "", "", "")
    assert list(told["said"].values()) == [[]] * len(worlds), told["said"]


@pytest.mark.parametrize("plant", _of(Quick), ids=lambda plant: plant.name)
def test_a_quick_test_catches(copy: Copy, plant: Plant) -> None:
    caught_by = plant.caught_by
    assert isinstance(caught_by, Quick)
    with copy.planted(plant.edits):
        told, printed = copy.run(TESTS, caught_by.test)
    assert copy.imported(told, plant.edits)
    assert told["code"] == pytest.ExitCode.TESTS_FAILED, printed[-4000:]
    assert caught_by.says in printed


def test_a_plant_that_fits_no_more_says_so(copy: Copy) -> None:
    gone = Edit("hub/worker/listen.py", "what never stood there", "")
    with pytest.raises(AssertionError, match="must be renewed"), copy.planted([gone]):
        pass


def test_the_mistakes_that_were_asked_for_are_planted() -> None:
    assert {plant.name for plant in PLANTS} >= {
        "acknowledge before commit",
        "a reply applied without the inbox",
        "a reused Nats-Msg-Id",
        "a breaker that counts cancellations",
        "a reservation released twice",
        "a capture retried under a new key",
        "a lease without its fence",
        "a timer lost in a crash",
    }
