"""Certifying an adapter: every rule on a fresh memory against the vendor's system, and what came of it as a report."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

import msgspec

from vendor_sdk.adapter import Adapter, read_config
from vendor_sdk.conformance.heard import Broken, Unfinished, Unseen, short
from vendor_sdk.conformance.levels import LEVELS, RULES
from vendor_sdk.conformance.report import NOT_SERVED, Outcome, Report, Result, all_passed, verdict
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.conformance.rule import Rule
from vendor_sdk.conformance.settings import Loaded
from vendor_sdk.conformance.stage import Stage, stage_of
from vendor_sdk.errors import Misconfigured
from vendor_sdk.ports import capabilities
from vendor_sdk.registry import GROUP, find

RULE_SECONDS_MAX = 120.0

Progress = Callable[[Result], None]


def unheard(_: Result) -> None:
    """Nobody watches."""


class Certification:
    """One adapter on its stage, between `opened` and its end: rules may be tried one by one."""

    def __init__(self, loaded: Loaded, stage: Stage, adapter: type[Adapter[Any]]) -> None:
        self.adapter = adapter
        self.capabilities = capabilities(adapter)
        self._loaded = loaded
        self._stage = stage

    async def result(self, rule: Rule) -> Result:
        """How one rule ends."""
        if missing := [area for area in rule.needs if area not in self.capabilities]:
            return _result(rule, "skipped", reason=NOT_SERVED if rule.level in missing else f"{NOT_SERVED}: {', '.join(missing)}")
        if why := self._loaded.settings.skip.get(rule.id) or self._loaded.settings.skip.get(rule.level):
            return _result(rule, "skipped", reason=why)
        began = time.monotonic()
        left: list[str] = []
        result = await self._tried(rule, left)
        result = msgspec.structs.replace(result, reason=short("; ".join(filter(None, [result.reason, *left]))))
        texts = {name: self._loaded.told(getattr(result, name)) for name in ("reason", "asked", "came", "expected")}
        return msgspec.structs.replace(result, seconds=round(time.monotonic() - began, 3), **texts)

    async def _tried(self, rule: Rule, left: list[str]) -> Result:
        bound: asyncio.Timeout | None = None
        try:
            with tempfile.TemporaryDirectory(prefix="certify-", ignore_cleanup_errors=True) as folder:
                async with asyncio.timeout(RULE_SECONDS_MAX) as bound:
                    await self._try(rule, Path(folder), left)
        except Broken as broken:
            return _result(rule, "failed", asked=broken.asked, came=broken.came, expected=broken.expected)
        except Unfinished as unfinished:
            return _result(rule, "open", reason=str(unfinished))
        except Unseen as unseen:
            return _result(rule, "skipped", reason=str(unseen))
        except Misconfigured as error:
            return _result(rule, "failed", reason=error.message)
        except Exception as error:  # noqa: BLE001 - whatever an adapter or a stage does, the other rules are tried
            came = f"no end within {RULE_SECONDS_MAX:g} s" if bound and bound.expired() else f"{type(error).__name__}: {error}"
            return _result(rule, "failed", came=came, expected="a spoke that starts, is tried and stops")
        return _result(rule, "passed")

    async def _try(self, rule: Rule, folder: Path, left: list[str]) -> None:
        """Try it, and tidy up: what could not be is added to `left`, however it ended."""
        rig = Rig(self.adapter, self._stage, folder, rule.limits)
        await rig.open()
        try:
            await rule.trial(rig)
        finally:
            try:
                await rig.close()
            finally:
                left.append(rig.left)


@asynccontextmanager
async def opened(loaded: Loaded) -> AsyncGenerator[Certification]:
    """The vendor's system made ready. Raises `Misconfigured` for settings that no rule could be tried with."""
    settings = loaded.settings
    for name in settings.skip:
        if name not in RULES and (name not in LEVELS or name == "wire"):
            raise Misconfigured(f"skip: there is no rule or level {name!r} that may be left out")
    adapter = find(settings.adapter)
    stage = stage_of(settings)
    try:
        await stage.open()
        read_config(adapter, stage.config)
        yield Certification(loaded, stage, adapter)
    finally:
        await stage.close()


async def certify(loaded: Loaded, levels: Collection[str] = (), heard: Progress = unheard) -> Report:
    """Try every rule (or those of these levels), one after another; `heard` is told each result. Raises as `opened`."""
    began, made_at = time.monotonic(), datetime.now(UTC)  # noqa: TID251 - a report says when it was made
    results: list[Result] = []
    async with opened(loaded) as certification:
        for rule in RULES.values():
            if not levels or rule.level in levels:
                results.append(await certification.result(rule))
                heard(results[-1])
        adapter, served = certification.adapter, certification.capabilities
    verdicts = [verdict(level, [each for each in results if each.level == level]) for level in LEVELS]
    return Report(
        sdk_version=_version("wheelwright-vendor-sdk") or "0",
        adapter=loaded.settings.adapter,
        adapter_class=f"{adapter.__module__}:{adapter.__qualname__}",
        adapter_version=_distribution_version(loaded.settings.adapter),
        capabilities=served,
        config_hash=loaded.config_hash,
        made_at=made_at,
        seconds=round(time.monotonic() - began, 3),
        passed=all_passed(verdicts),
        levels=verdicts,
        rules=results,
    )


def _result(rule: Rule, outcome: Outcome, *, reason: str = "", asked: str = "", came: str = "", expected: str = "") -> Result:
    return Result(
        id=rule.id,
        level=rule.level,
        demands=rule.demands,
        why=rule.why,
        outcome=outcome,
        reason=short(reason),
        asked=short(asked),
        came=short(came),
        expected=short(expected),
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _distribution_version(adapter: str) -> str:
    """The version of the distribution that names the adapter, if one does."""
    for point in entry_points(group=GROUP, name=adapter):
        if point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return ""
