"""The report: its form is stable, its verdicts are strict, its page is safe."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from vendor_sdk.conformance import page, report, table
from vendor_sdk.conformance.report import NOT_ASKED, NOT_SERVED, Outcome, Report, Result, all_passed, verdict

SCRIPT = "<script>alert('\"&')</script>\x1b[2J"


def result(outcome: Outcome = "passed", *, level: str = "stock", **more: Any) -> Result:
    return Result(id=f"{level}.held", level=level, demands="It is held.", why="Else it is not.", outcome=outcome, **more)


def made(*results: Result, **changes: Any) -> Report:
    verdicts = [
        verdict(level, [each for each in results if each.level == level]) for level in dict.fromkeys(each.level for each in results)
    ]
    whole = Report(
        sdk_version="0.1.0",
        adapter="shop",
        adapter_class="shop.adapter:Shop",
        capabilities=["stock"],
        config_hash="0" * 64,
        made_at=datetime(2026, 5, 1, tzinfo=UTC),
        seconds=1.5,
        passed=all(level.passed for level in verdicts),
        levels=verdicts,
        rules=list(results),
    )
    return msgspec.structs.replace(whole, **changes)


def test_it_is_read_as_it_was_written() -> None:
    whole = made(result(), result("failed", level="wire", asked="a", came="b", expected="c"))
    assert report.read(report.write(whole)) == whole


def test_its_form_is_stable() -> None:
    body = msgspec.json.decode(report.write(made(result())))
    assert body["version"] == 1
    assert set(body) == {
        *("version", "sdk_version", "adapter", "adapter_class", "adapter_version", "capabilities", "config_hash"),
        *("made_at", "seconds", "passed", "levels", "rules"),
    }
    assert set(body["levels"][0]) == {"level", "outcome", "passed", "reason", "rules_passed", "rules_failed", "rules_skipped"}
    assert set(body["rules"][0]) == {"id", "level", "demands", "why", "outcome", "reason", "asked", "came", "expected", "seconds"}
    assert report.read(msgspec.json.encode(body | {"added_later": 1})).adapter == "shop"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"version": 2},
        {"passed": "yes"},
        {"config_hash": "x"},
        {"made_at": "yesterday"},
        {"adapter": "x" * 201},
        {"levels": [{"level": "wire"}]},
    ],
)
def test_what_is_no_report_is_refused(spoiled: dict[str, Any]) -> None:
    body = msgspec.json.decode(report.write(made(result())))
    with pytest.raises(msgspec.ValidationError, match=next(iter(spoiled))):
        report.read(msgspec.json.encode(body | spoiled))


def test_a_huge_report_is_refused_unread() -> None:
    with pytest.raises(msgspec.ValidationError, match="bytes"):
        report.read(b" " * (report.REPORT_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed", "open"], "failed"),
        (["passed", "open"], "open"),
        (["passed", "skipped"], "passed"),
        (["skipped"], "skipped"),
        ([], "skipped"),
    ],
)
def test_a_level_passes_if_something_was_tried_and_nothing_failed(outcomes: list[Outcome], expected: Outcome) -> None:
    level = verdict("stock", [result(outcome, reason="no sandbox") for outcome in outcomes])
    assert level.outcome == expected
    assert level.passed == (expected == "passed")
    assert level.reason == ({True: "no sandbox", False: NOT_ASKED}[bool(outcomes)] if expected == "skipped" else level.reason)


def test_the_whole_passes_without_what_is_not_served_or_left_out_with_a_reason_and_not_without_what_was_not_tried() -> None:
    wire, passed = verdict("wire", [result()]), verdict("stock", [result()])
    unserved = verdict("orders", [result("skipped", reason=NOT_SERVED)])
    left_out = verdict("shipping", [result("skipped", reason="our sandbox never ships")])
    assert all_passed([wire, passed, unserved])
    assert all_passed([wire, passed, left_out])
    assert not all_passed([wire, passed, verdict("shipping", [])])
    assert not all_passed([wire, passed, verdict("shipping", [result(), result("open")])])
    assert not all_passed([wire, unserved, left_out])
    assert not all_passed([passed, unserved])


def test_the_page_shows_what_came_and_runs_nothing_of_it() -> None:
    whole = made(result("failed", came=SCRIPT, asked="a <b>"), adapter=SCRIPT, adapter_class=SCRIPT)
    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            assert not [name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}]

    text = page.page(whole)
    Tags().feed(text)
    assert "script" not in seen
    assert "b" not in seen
    assert "&lt;script&gt;" in text
    assert "not certified" in text
    assert page.badge(made(result())).count("stock") == 2
    assert "#b3261e" in page.badge(whole)


def test_what_a_system_says_does_not_steer_the_terminal() -> None:
    assert "\x1b" not in table.row(result("failed", came=SCRIPT))
    assert "FAILED" in table.row(result("failed"))
    assert "not served" in table.row(result("skipped", reason=NOT_SERVED))
    assert table.verdicts(made(result())).endswith("shop: certified, 1 rules in 1.5 s")
