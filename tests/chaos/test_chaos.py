"""Five seeds of three hundred orders each: faults on a third of all calls, crashes, lost days, and every cent where it belongs."""

from pathlib import Path

import pytest

from hub.sandbox.faults import Mode
from tests.chaos.run import Verdict, run
from tests.chaos.trouble import CRASH, ON_THE_WIRE
from tests.conftest import MakeDatabase

ORDERS = 300
SEEDS = {"1": "EUR", "2": "JPY", "3": "KWD", "4": "USD", "5": "EUR"}


@pytest.mark.parametrize(("seed", "currency"), SEEDS.items())
async def test_every_cent_ends_where_it_belongs(seed: str, currency: str, fresh_database: MakeDatabase, tmp_path: Path) -> None:
    verdict = await run(await fresh_database(), seed, currency, ORDERS, tmp_path)
    assert not verdict.problems, _told(verdict)
    assert 0.31 < verdict.struck < 0.39, _told(verdict)
    assert verdict.crashes > 100, _told(verdict)
    for what in (*map(str, Mode), *ON_THE_WIRE, *(f"crash {where}" for where in CRASH), *HAPPENED):
        assert verdict.counts[what] > 0, f"{what} never happened: {_told(verdict)}"


HAPPENED = (
    "refunds",
    "reversals",
    "reversals refused",
    "disputes won",
    "disputes lost",
    "borne disputes",
    "debts",
    "nettings",
    "reserves",
    "credits",
    "payouts",
    "payouts failed",
    "refunds failed",
    "captured",
    "voided",
    "part not accepted",
    "in doubt over night",
    "refund of all",
    "refund of part",
    "refund of units",
    "refund of amount",
    "refund of shipping",
    "cancel early",
    "cancel late",
)


def _told(verdict: Verdict) -> str:
    repeat = f'pytest tests/chaos -k "where_it_belongs and {verdict.seed}-"'
    head = f"seed {verdict.seed}: {len(verdict.problems)} problems, {dict(verdict.duplicates)} twice; again: {repeat}"
    return "\n".join(
        [head, *verdict.problems[:20], verdict.story, str(dict(sorted(verdict.counts.items()))), f"struck {verdict.struck:.3f}"]
    )
