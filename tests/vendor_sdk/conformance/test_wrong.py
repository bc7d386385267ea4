"""Every rule bites: an adapter that is wrong in one thing is failed by the rule for it and by no other."""

import asyncio
from collections.abc import Sequence

import pytest
import pytest_asyncio

from tests.vendor_sdk.conformance.wrong import orders, papers, returns, shipping, stock, wire
from tests.vendor_sdk.conformance.wrong.breaks import WRONG
from tests.vendor_sdk.shop.stage import Inside, ShopStage
from vendor_sdk.conformance.certify import Certification, certify
from vendor_sdk.conformance.levels import RULES
from vendor_sdk.conformance.report import NOT_SERVED, Report, Result
from vendor_sdk.conformance.rig import GRACE_SECONDS
from vendor_sdk.conformance.settings import Loaded, Settings, config_hash
from vendor_sdk.feeds import Rate
from vendor_sdk.messages import Refused, Reserve, Reserved
from vendor_sdk.ports import Context

MODULES = (wire, stock, orders, shipping, returns, papers)
AT_ONCE = 8


async def certified(adapter: type[Inside]) -> Report:
    settings = Settings(adapter=f"{adapter.__module__}:{adapter.__name__}", stage="tests.vendor_sdk.shop.stage:ShopStage", patience=4.0)
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


UNTOLD = {"shipping.rates-stand": "the adapter tells no rates", "shipping.same-papers": "the adapter gives no documents"}


@pytest.mark.parametrize(("right", "left_out"), [(Inside, UNTOLD), (returns.TakesBack, UNTOLD), (papers.TellsAll, {})])
async def test_the_right_adapter_passes(right: type[Inside], left_out: dict[str, str]) -> None:
    report = await certified(right)
    assert failed(report) == []
    skipped = {result.id: result.reason for result in report.rules if result.outcome == "skipped"}
    no_returns = {} if right is returns.TakesBack else {result.id: NOT_SERVED for result in report.rules if result.level == "returns"}
    assert skipped == left_out | no_returns
    assert report.passed


@pytest.mark.parametrize(
    "bad",
    [
        [papers.rate(), papers.rate()],
        [papers.rate("Post!")],
        [papers.rate(amount=-1)],
        [papers.rate(name="")],
        [papers.rate(days=400)],
        [papers.rate(f"way-{number}") for number in range(21)],
    ],
)
async def test_rates_that_the_hub_would_refuse_break_the_rule(bad: list[Rate]) -> None:
    class Wrong(papers.TellsAll):
        async def rates(self) -> list[Rate]:
            return bad

    result = await rated(Wrong)
    assert (result.outcome, bool(result.came), "each code once" in result.expected) == ("failed", True, True)


@pytest.mark.parametrize(
    ("readings", "outcome", "reason"), [(2, "passed", ""), (1_000, "skipped", "the adapter has no rates to tell")], ids=["later", "never"]
)
async def test_rates_that_are_on_their_way_are_waited_for(readings: int, outcome: str, reason: str) -> None:
    class Late(papers.TellsAll):
        empty = readings

        async def rates(self) -> Sequence[Rate]:
            self.empty -= 1
            return [] if self.empty >= 0 else await super().rates()

    result = await rated(Late)
    assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize("rule", ["wire.deadline", "wire.canceled"])
@pytest.mark.parametrize(("times", "outcome"), [(1, "passed"), (9, "failed")], ids=["once, as on a busy machine", "each time"])
async def test_a_call_that_ends_late_is_tried_once_more(rule: str, times: int, outcome: str) -> None:
    class Late(Inside):
        left = times

        async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
            try:
                return await super().reserve(command, context)
            except asyncio.CancelledError:
                if type(self).left > 0:
                    type(self).left -= 1
                    await asyncio.sleep(2 * GRACE_SECONDS)
                raise

    result = await tried(Late, rule, patience=2.0)
    assert (result.outcome, "deadline" in result.came) == (outcome, outcome == "failed")


async def test_an_answer_made_up_before_the_system_was_reached_leaves_the_rule_to_another_command() -> None:
    """As on a busy machine: the deadline passes on the way to the system, and what was made up for that command is remembered."""

    class NotThereYet(wire.AnswersOnTheWayOut):
        first = True

        async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
            if type(self).first:
                type(self).first = False
                try:
                    await asyncio.sleep(10)
                except asyncio.CancelledError:
                    return Refused(sub_order_id=command.sub_order_id, reason="too_slow")
            return await super().reserve(command, context)

    assert (await tried(NotThereYet, "wire.canceled", patience=2.0)).outcome == "passed"


async def rated(adapter: type[Inside]) -> Result:
    return await tried(adapter, "shipping.rates-stand", patience=0.5)


async def tried(adapter: type[Inside], rule: str, *, patience: float) -> Result:
    settings = Settings(adapter="told", stage="tests.vendor_sdk.shop.stage:ShopStage", patience=patience)
    stage = ShopStage(settings)
    await stage.open()
    certification = Certification(Loaded(settings=settings, config_hash=config_hash({})), stage, adapter)
    result = await certification.result(RULES[rule])
    await stage.close()
    return result


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
