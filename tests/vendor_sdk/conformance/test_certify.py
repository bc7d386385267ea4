"""A certification from outside: what is left out and why, what cannot start, and the command's exit codes."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from spokes.dummy.adapter import Dummy
from tests.vendor_sdk.shop.corner.upstream import CornerConfig
from tests.vendor_sdk.shop.model import Shop
from tests.vendor_sdk.shop.stage import Inside, ShopStage
from vendor_sdk import cli
from vendor_sdk.adapter import Adapter
from vendor_sdk.conformance import table
from vendor_sdk.conformance.certify import Certification, certify
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.levels import LEVELS, RULES
from vendor_sdk.conformance.report import Report, read
from vendor_sdk.conformance.settings import Loaded, Settings, Skus, config_hash
from vendor_sdk.errors import AdapterError, Misconfigured
from vendor_sdk.messages import (
    Accepted,
    Kept,
    Message,
    Pending,
    Recall,
    Recalled,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Submit,
)
from vendor_sdk.ports import PORTS, CommandBody, Context, Stock

STAGE = "tests.vendor_sdk.shop.stage:ShopStage"


class StockOnly(Adapter[CornerConfig], Stock):
    """Serves one capability, by the shop's adapter."""

    async def open(self) -> None:
        self.shop = Inside(self.vendor, self.config, self.facts, self.data)
        await self.shop.open()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        return await self.shop.reserve(command, context)

    async def release(self, command: Release, context: Context) -> Released:
        return await self.shop.release(command, context)


class CannotStart(Inside):
    async def open(self) -> None:
        raise ConnectionRefusedError("sk_live_1 is not welcome")


class Unheeding(Inside):
    """Heeds no deadline at all."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        for _ in range(3):
            try:
                return await super().reserve(command, context)
            except BaseException:  # noqa: BLE001 - as wrong as can be
                continue
        return Refused(sub_order_id=command.sub_order_id, reason="tired")


class LeavesItToOthers(Inside):
    """Takes on what it is given, and never tells."""

    async def submit(self, command: Submit, context: Context) -> Pending:
        await super().submit(command, context)
        return Pending(sub_order_id=command.sub_order_id)


class Spoken(ShopStage):
    """People take on, past the adapter, whatever the kit has asked."""

    async def open(self) -> None:
        await super().open()
        self.seen: dict[str, CommandBody] = {}

    async def asked(self, body: CommandBody, command_id: str) -> None:
        self.seen[command_id] = body

    async def told(self, body: CommandBody, command_id: str) -> Message | None:
        assert self.seen[command_id] == body
        return Accepted(sub_order_id=body.sub_order_id, reference=f"P-{command_id}")


class Confused(Spoken):
    """What is told is no answer to what was asked."""

    async def told(self, body: CommandBody, command_id: str) -> Message | None:
        del command_id
        return Kept(sub_order_id=body.sub_order_id)


async def certified(adapter: type[Adapter[Any]], *levels: str, secrets: tuple[str, ...] = (), **changes: Any) -> Report:
    given: dict[str, Any] = {"adapter": f"{__name__}:{adapter.__name__}", "stage": STAGE, "patience": 2.0} | changes
    settings = Settings(**given)
    return await certify(Loaded(settings=settings, config_hash=config_hash({}), secrets=secrets), levels)


def outcomes(report: Report) -> dict[str, str]:
    return {level.level: level.outcome for level in report.levels}


def test_every_capability_has_its_level() -> None:
    assert list(LEVELS) == ["wire", *PORTS]


def test_every_rule_says_what_and_why() -> None:
    assert all(rule.demands.endswith(".") and rule.why.endswith(".") for rule in RULES.values())
    assert len({rule.demands for rule in RULES.values()}) == len(RULES)


async def test_what_the_class_does_not_serve_is_left_out_and_the_rest_counts() -> None:
    report = await certified(StockOnly)
    assert outcomes(report) == {"wire": "passed", "stock": "passed", "orders": "skipped", "shipping": "skipped", "returns": "skipped"}
    assert [level.reason for level in report.levels[2:]] == ["not served"] * 3
    assert report.passed
    assert report.capabilities == ["stock"]


async def test_a_level_left_out_by_the_vendor_has_its_reason_and_is_not_passed() -> None:
    report = await certified(StockOnly, "stock", skip={"stock": "our sandbox counts nothing"})
    assert {rule.reason for rule in report.rules} == {"our sandbox counts nothing"}
    assert (report.levels[1].outcome, report.levels[1].passed) == ("skipped", False)
    assert not report.passed


async def test_a_rule_left_out_by_the_vendor_leaves_the_level() -> None:
    report = await certified(StockOnly, "stock", skip={"stock.unknown-sku": "our sandbox knows them all"})
    assert report.levels[1].rules_skipped == 1
    assert report.levels[1].passed


async def test_an_adapter_that_cannot_start_fails_every_rule_and_tells_no_secret() -> None:
    report = await certified(CannotStart, "stock", secrets=("sk_live_1",))
    assert {rule.outcome for rule in report.rules} == {"failed"}
    assert {rule.came for rule in report.rules} == {"ConnectionRefusedError: … is not welcome"}


async def test_an_adapter_that_heeds_no_deadline_does_not_hold_the_kit_up() -> None:
    report = await certified(Unheeding, "wire")
    failed = {rule.id for rule in report.rules if rule.outcome == "failed"}
    assert "wire.deadline" in failed
    assert report.seconds < 30


async def test_without_known_stock_and_without_a_way_to_fail_the_rules_say_what_is_missing() -> None:
    report = await certified(Dummy, "stock", stage="")
    assert {rule.outcome for rule in report.rules} == {"failed", "passed"}
    assert any("name `skus`" in rule.reason for rule in report.rules)
    report = await certified(Dummy, "wire", stage="", skus=Skus(plenty="A", few="B", units=3))
    assert any("name `upstream`" in rule.reason for rule in report.rules)


class Blind(ShopStage):
    """The shop fails on demand, and nobody sees what it is sent."""

    async def open(self) -> None:
        await super().open()
        self.behind, self.meddler = self.meddler, None

    async def fault(self, fault: Fault | None) -> None:
        assert self.behind is not None
        self.behind.fault = fault


class Mute(Inside):
    """Takes orders on, and sends them nowhere."""

    async def submit(self, command: Submit, context: Context) -> Accepted:
        return Accepted(sub_order_id=command.sub_order_id, reference=context.command_id)


async def test_what_nobody_can_see_is_skipped_with_the_reason_and_never_passed() -> None:
    report = await certified(Inside, stage=f"{__name__}:Blind")
    skipped = {rule.id: rule.reason for rule in report.rules if rule.outcome == "skipped" and rule.level in {"wire", "orders"}}
    assert skipped == dict.fromkeys(("wire.not-repeated", "orders.money"), "nobody can see what your system is sent")
    assert [rule.id for rule in report.rules if rule.outcome in {"failed", "open"}] == []
    assert report.passed


async def test_money_that_is_sent_nowhere_is_not_seen_to_be_right() -> None:
    report = await certified(Mute, "orders")
    assert {rule.outcome for rule in report.rules if rule.id == "orders.money"} == {"skipped"}
    assert not report.passed


class Shared(ShopStage):
    """The same SKUs for every rule."""

    shops: ClassVar[list[Shop]] = []

    async def open(self) -> None:
        await super().open()
        self.shop.stock |= {"A": 1_000_000, "B": 3}
        self.shops.append(self.shop)


SHARED: dict[str, Any] = {"stage": f"{__name__}:Shared", "skus": Skus(plenty="A", few="B", units=3)}


class OnABusyMachine(Inside):
    """Gets to its first call late, through no fault of its own."""

    late = 0.3

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        late, self.late = self.late, 0.0
        await asyncio.sleep(late)
        return await super().reserve(command, context)


async def test_a_deadline_that_passes_before_the_system_is_reached_says_nothing_of_the_adapter() -> None:
    report = await certified(OnABusyMachine, "wire")
    assert [(rule.id, rule.came) for rule in report.rules if rule.outcome != "passed"] == []


class Gullible(Inside):
    """Takes a release or a recall that failed for done."""

    async def release(self, command: Release, context: Context) -> Released:
        with suppress(AdapterError):
            return await super().release(command, context)
        return Released(sub_order_id=command.sub_order_id)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        with suppress(AdapterError):
            return await super().recall(command, context)
        return Recalled(sub_order_id=command.sub_order_id)


class Holding(Inside):
    """Lets go of nothing."""

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:  # noqa: ARG002 - the port's form
        raise Misconfigured("sk_live_1 may not cancel")


@pytest.mark.parametrize("adapter", [Inside, Gullible])
async def test_nothing_is_left_also_where_it_was_to_be_undone_while_the_system_failed(adapter: type[Inside]) -> None:
    report = await certified(adapter, "wire", "stock", "orders", **SHARED)
    shop = Shared.shops.pop()
    assert {order.status for order in shop.orders.values()} <= {"canceled", "sent"}
    assert all(hold.free for hold in shop.holds.values())
    assert shop.stock["B"] == 3
    assert not any("left" in rule.reason for rule in report.rules)


async def test_what_could_not_be_undone_is_told() -> None:
    report = await certified(Holding, "orders", secrets=("sk_live_1",), **SHARED)
    money = next(rule for rule in report.rules if rule.id == "orders.money")
    assert money.outcome == "passed"
    assert money.reason.startswith("may be left in your system: orders.submit of kit-")
    assert "error misconfigured: … may not cancel" in money.reason
    assert "may be left" in table.row(money)


def run(folder: Path, text: str, *arguments: str) -> int:
    (folder / "certify.toml").write_text(text)
    return cli.main(["certify", str(folder), *arguments])


def test_the_command_says_how_it_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = f"adapter = '{__name__}:StockOnly'\nstage = '{STAGE}'\n"
    assert run(tmp_path, right, "--level", "stock", "--report", str(tmp_path / "out")) == 0
    assert "stock.reserved-once" in capsys.readouterr().out
    assert not read((tmp_path / "out" / "report.json").read_bytes()).passed
    assert (tmp_path / "out" / "badge.svg").read_text().startswith("<svg")
    assert run(tmp_path, f"adapter = '{__name__}:CannotStart'\nstage = '{STAGE}'\n", "--level", "stock") == 1
    assert run(tmp_path, f"{right}upstreams = 'url'\n") == 2
    assert "upstreams" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, right, "--level", "everything")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("stage", "outcome", "came"),
    [
        (ShopStage, "failed", "orders.pending"),
        (Spoken, "passed", ""),
        (Confused, "failed", "ValueError: Kept is no answer to orders.submit"),
    ],
)
async def test_what_people_answer_past_the_adapter_is_heard(stage: type[ShopStage], outcome: str, came: str) -> None:
    settings = Settings(adapter="others", patience=2.0)
    opened = stage(settings)
    await opened.open()
    certification = Certification(Loaded(settings=settings, config_hash=config_hash({})), opened, LeavesItToOthers)
    result = await certification.result(RULES["orders.ordered-once"])
    await opened.close()
    assert (result.outcome, result.came[: len(came)]) == (outcome, came)
