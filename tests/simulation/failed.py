"""Reads the seeds that ever broke a law."""

import tomllib
from pathlib import Path

from hub.simulation.run import Case

FAILED_SEEDS = Path(__file__).parent / "failed_seeds.toml"


def failed_cases() -> list[Case]:
    """As they were; each says in the file what it found."""
    seeds = tomllib.loads(FAILED_SEEDS.read_text()).get("seeds", [])
    return [Case(seed=each["seed"], orders=each["orders"], without=frozenset(each.get("without", []))) for each in seeds]
