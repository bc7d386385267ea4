"""What the benchmark writes: bench.json, tables, pictures."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from rich.console import Console

from tests.bench.figures import Goal
from tests.bench.picture import Bars, nice, show
from tests.bench.report import Found, Report, Sheet

SVG = "{http://www.w3.org/2000/svg}"
BARS = Bars(name="fast", title="a < b & c", unit="1/s", groups=["one", "two"], series={"limit": [100, 50], "ours": [200, 0]}, target=150)
HARD = Goal(says="hard", reached=1, target=7, at_best=5)
FOUND = Found(
    figures={"rate": 200},
    sheets=[Sheet(title="rates", columns=("", "per second"), rows=[("ours", 1234.5)], notes=["measured alone"])],
    pictures=[BARS],
    goals=[Goal(says="twice", reached=2.0, target=1.5), Goal(says="quick", reached=30, target=20, at_most=True), HARD],
)


def test_a_picture_is_svg_with_a_bar_for_each_value() -> None:
    root = ET.fromstring(BARS.svg())
    assert root.tag == f"{SVG}svg"
    colors = {rect.get("fill"): float(rect.get("height", "")) for rect in root.iter(f"{SVG}rect") if rect.get("y") != "34"}
    bars = [float(rect.get("height", "")) for rect in root.iter(f"{SVG}rect") if rect.get("x") is not None and rect.get("y") != "34"]
    assert len(colors) == 3  # the ground and two series
    assert bars == [pytest.approx(2 * bars[2]), pytest.approx(2 * bars[0]), bars[2], 0]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"a < b & c", "one", "two", "limit", "ours", "200", "target 150"} <= set(words)


def test_axes_end_at_round_numbers() -> None:
    assert [nice(value) for value in (0, 0.03, 1, 101, 210, 260, 999, 1000)] == [1, 0.05, 1, 200, 250, 500, 1000, 1000]


def test_numbers_are_shown_with_what_they_are_worth() -> None:
    assert [show(value) for value in (0, 0.04812, 1.5, 123.4, 45678.9)] == ["0", "0.0481", "1.5", "123", "45,679"]


def test_a_part_is_kept_beside_those_measured_before(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text('{"placing": {"figures": [1]}, "flash": 1}')
    console = Console(width=100, record=True, quiet=True)
    report = Report(tmp_path, console)
    report.keep("flash", FOUND, {"cores": 2})
    kept = msgspec.json.decode((tmp_path / "bench.json").read_bytes())
    assert kept["placing"] == {"figures": [1]}
    assert (kept["flash"]["cores"], kept["flash"]["figures"]) == (2, {"rate": 200})
    assert [goal["met"] for goal in kept["flash"]["goals"]] == [True, False, False]
    assert [goal["can_be_met"] for goal in kept["flash"]["goals"]] == [True, True, False]
    assert (tmp_path / "bench" / "fast.svg").read_text() == BARS.svg()


def test_tables_and_goals_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(tmp_path, Console(width=100))
    report.keep("flash", FOUND, {})
    report.goals()
    printed = capsys.readouterr().out
    assert all(
        words in printed
        for words in ("rates", "1,234", "measured alone", "twice", "≥ 1.5", "≤ 20", "NOT MET", "not met: beyond this machine")
    )
