"""What people see of a report."""

import io

from rich.console import Console

from hub.reconcile.match import Mismatch
from hub.reconcile.show import show
from tests.reconcile.conftest import Stage


async def test_people_read_both_figures_and_what_to_do(stage: Stage):
    await stage.sell(12_340, "KWD")
    await stage.sell(5000, "JPY")
    await stage.account()
    await stage.write_transfer(700, "tr_invented")
    await stage.turn("movements", amount=-2000, currency="kwd", type="adjustment")
    report = await stage.reconcile()
    out = io.StringIO()
    show(report, Console(file=out, width=200))
    text = out.getvalue()
    for words in (
        "differences: 2",
        "stripe JPY",
        "stripe KWD",
        "12.340",
        "-2.000",
        "closing, as our books say",
        "vendors proved: 1",
    ):
        assert words in text, text
    assert Mismatch.MISSING in text
    assert "explain it, naming the account" in text
