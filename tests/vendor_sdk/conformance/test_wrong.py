"""Every rule bites: an adapter that is wrong in one thing is failed by the rule for it and by no other."""

import asyncio

import pytest
import pytest_asyncio

from tests.vendor_sdk.conformance.wrong import orders, returns, shipping, stock, wire
from tests.vendor_sdk.conformance.wrong.breaks import WRONG
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.conformance.certify import certify
from vendor_sdk.conformance.levels import RULES
from vendor_sdk.conformance.report import Report
from vendor_sdk.conformance.settings import Loaded, Settings, config_hash

MODULES = (wire, stock, orders, shipping, returns)
AT_ONCE = 8


async def certified(adapter: type[Inside]) -> Report:
    settings = Settings(adapter=f"{adapter.__module__}:{adapter.__name__}", stage="tests.vendor_sdk.shop.stage:ShopStage", patience=2.0)
    return await certify(Loaded(settings=settings, config_hash=config_hash({})))


@pytest_asyncio.fixture(scope="module")
async def reports() -> dict[str, Report]:
    """Of all wrong adapters; they wait more than they work."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(rule: str) -> tuple[str, Report]:
        async with slots:
            return rule, await certified(WRONG[rule])

    return dict(await asyncio.gather(*map(one, WRONG)))


def failed(report: Report) -> list[str]:
    return [result.id for result in report.rules if result.outcome not in {"passed", "skipped"}]


@pytest.mark.parametrize("right", [Inside, returns.TakesBack])
async def test_the_right_adapter_passes(right: type[Inside]) -> None:
    report = await certified(right)
    assert failed(report) == []
    assert {result.level for result in report.rules if result.outcome == "skipped"} == ({"returns"} if right is Inside else set())
    assert report.passed


def test_every_rule_has_its_wrong_adapter() -> None:
    assert sorted(WRONG) == sorted(RULES)
    assert {adapter.__module__ for adapter in WRONG.values()} == {module.__name__ for module in MODULES}


@pytest.mark.parametrize("rule", RULES)
def test_a_wrong_adapter_fails_by_its_rule_alone(reports: dict[str, Report], rule: str) -> None:
    assert failed(reports[rule]) == [rule]
    assert not reports[rule].passed


@pytest.mark.parametrize("rule", RULES)
def test_what_is_wrong_is_told(reports: dict[str, Report], rule: str) -> None:
    result = next(each for each in reports[rule].rules if each.id == rule)
    assert result.asked
    assert result.came
    assert result.expected
