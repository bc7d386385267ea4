"""The report of a certification: what onboarding accepts as the proof of a certified adapter."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VERSION = 1
"""Of the report's form; fields may be added under one version, never change their meaning."""

REPORT_BYTES_MAX = 1024 * 1024

Outcome = Literal["passed", "failed", "open", "skipped"]
"""``open``: the adapter says that it is not written yet (`Unsupported`), which is not passed either."""

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[str, Meta(max_length=2_000)]
Count = Annotated[int, Meta(ge=0)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule ended. Failed: what was asked, what came, what was expected; else `reason` says why, `seconds` how long."""

    id: Name
    level: Name
    demands: Words
    why: Words
    outcome: Outcome
    reason: Words = ""
    asked: Words = ""
    came: Words = ""
    expected: Words = ""
    seconds: float = 0.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one level ended. `passed`: rules of it were tried and none failed or is open.

    ``skipped`` has a `reason`: not served, the vendor's own, or not asked for.
    """

    level: Name
    outcome: Outcome
    passed: bool
    reason: Words = ""
    rules_passed: Count = 0
    rules_failed: Count = 0
    rules_skipped: Count = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One certification. `passed`: every level passed, but for those that the class does not serve or the vendor left out.

    What was left out stands in `levels` and `rules` with its reason; who accepts a report decides what must not be.
    `config_hash` is the SHA-256 of the adapter's settings without secrets: a report holds for what it was made with.
    """

    version: Literal[1] = VERSION
    sdk_version: Name
    adapter: Name
    adapter_class: Name
    adapter_version: Annotated[str, Meta(max_length=200)] = ""
    capabilities: list[Name]
    config_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    made_at: datetime
    seconds: float
    passed: bool
    levels: list[Verdict]
    rules: list[Result]


def write(report: Report) -> bytes:
    """The report as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def read(body: bytes) -> Report:
    """A report from JSON. Raises `msgspec.ValidationError` or `msgspec.DecodeError` naming the field; unknown fields are passed over."""
    if len(body) > REPORT_BYTES_MAX:
        raise msgspec.ValidationError(f"a report of {len(body)} bytes, at most {REPORT_BYTES_MAX}")
    return msgspec.json.decode(body, type=Report)


NOT_SERVED = "not served"
NOT_ASKED = "not asked for"


def verdict(level: str, results: list[Result]) -> Verdict:
    """What the rules of one level amount to; no results: it was not asked for."""
    failed, open_, passed, skipped = (
        sum(each.outcome == outcome for each in results) for outcome in ("failed", "open", "passed", "skipped")
    )
    outcome: Outcome = "failed" if failed else "open" if open_ else "passed" if passed else "skipped"
    reasons = dict.fromkeys(each.reason for each in results) if outcome == "skipped" else {}
    return Verdict(
        level=level,
        outcome=outcome,
        passed=outcome == "passed",
        reason="; ".join(reasons)[:2_000] if results else NOT_ASKED,
        rules_passed=passed,
        rules_failed=failed + open_,
        rules_skipped=skipped,
    )


def all_passed(verdicts: list[Verdict]) -> bool:
    """Whether nothing failed, is open or was not asked for, and `wire` and a level of the class's own passed."""
    passed = {each.level for each in verdicts if each.passed}
    tried = all(each.passed or (each.outcome == "skipped" and each.reason != NOT_ASKED) for each in verdicts)
    return tried and len(passed) > 1 and "wire" in passed
