"""Every adapter of this repository is certified: what its ``certify.toml`` leaves out has a reason there."""

from pathlib import Path

import msgspec
import pytest

from tests.architecture.sources import ROOT
from vendor_sdk.conformance.certify import certify
from vendor_sdk.conformance.settings import FILE, load

CERTIFIED = sorted([*(ROOT / "spokes").glob(f"*/{FILE}"), *(ROOT / "tests" / "spokes").glob(f"*/{FILE}")])
"""Beside the adapter, or beside the stand-in for its system."""
TELL_NO_RATES = {"hosted", "shopify"}


@pytest.mark.parametrize("path", CERTIFIED, ids=lambda path: path.parent.name)
async def test_it_keeps_every_rule_that_it_does_not_leave_out(path: Path) -> None:
    report = await certify(load(path, {}))
    assert [(rule.id, rule.outcome, rule.came) for rule in report.rules if rule.outcome in {"failed", "open"}] == []
    assert report.passed
    [rates] = [rule.outcome for rule in report.rules if rule.id == "shipping.rates-stand"]
    assert rates == ("skipped" if path.parent.name in TELL_NO_RATES else "passed")


@pytest.mark.parametrize("push", [True, False])
async def test_the_dummy_keeps_them_also_when_its_answers_come_later(push: bool) -> None:
    """Told by itself, or found when asked again."""
    loaded = load(ROOT / "spokes" / "dummy" / FILE, {})
    later = {"accept_after": 0.05, "ship_after": 0.3, "push": push}
    report = await certify(
        msgspec.structs.replace(loaded, settings=msgspec.structs.replace(loaded.settings, config=later)), ("orders", "shipping")
    )
    assert [(rule.id, rule.outcome, rule.came) for rule in report.rules if rule.outcome in {"failed", "open"}] == []


def test_they_are_found() -> None:
    assert {path.parent.name for path in CERTIFIED} == {each.parent.name for each in (ROOT / "spokes").glob("*/adapter.py")}
