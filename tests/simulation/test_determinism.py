"""A seed gives the same world to the byte: in one process, in another, told or not, whatever the hash seed is."""

import os
import subprocess
import sys

from hub.simulation.run import Case, simulate

CASE = Case(seed=11, orders=20)
PRINT = f"from hub.simulation.run import Case, simulate; print(simulate(Case(seed={CASE.seed}, orders={CASE.orders})).digest)"


def _elsewhere(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", PRINT], env=environment, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip()


def test_a_seed_gives_the_same_world_again() -> None:
    here = simulate(CASE)
    assert [_elsewhere("1"), _elsewhere("4242")] == [here.digest, here.digest]


def test_to_tell_a_story_changes_nothing() -> None:
    silent, told = simulate(CASE), simulate(CASE, telling=True)
    assert told.digest == silent.digest
    assert told.story
    assert simulate(CASE, telling=True).story == told.story


def test_another_seed_gives_another_world() -> None:
    assert simulate(Case(seed=12, orders=5)).digest != simulate(Case(seed=13, orders=5)).digest
