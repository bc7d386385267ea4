"""The runs are worth nothing if they hold whatever the hub does: here it does one thing wrong, and they say so."""

from pathlib import Path

import pytest

from tests.chaos import spoiled
from tests.chaos.run import run
from tests.conftest import MakeDatabase

REST = 9
"""Such a hub may never come to rest."""


@pytest.mark.parametrize(
    ("wrong", "orders", "kinds"),
    [
        (spoiled.NoFrozenKey, 60, 2),
        (spoiled.BumpsOnDoubt, 120, 2),
        (spoiled.NeverLooks, 90, 1),
    ],
)
async def test_it_would_notice(wrong: type[spoiled.Spoiled], orders: int, kinds: int, fresh_database: MakeDatabase, tmp_path: Path) -> None:
    verdict = await run(await fresh_database(), "notices", "EUR", orders, tmp_path, wrong, rest=REST)
    assert len(verdict.duplicates) >= kinds, f"twice: {dict(verdict.duplicates)}"
    assert any(" of cmd_" in problem for problem in verdict.problems), verdict.problems
