"""A report in plain text, for a terminal."""

from vendor_sdk.conformance.report import Report, Result, Verdict

MARKS = {"passed": "ok", "failed": "FAILED", "open": "open", "skipped": "-"}
WIDTH = max(map(len, MARKS.values()))


def row(result: Result) -> str:
    """One rule: how it ended, and if not well, what was asked, what came and what was expected."""
    lines = [f"{MARKS[result.outcome]:<{WIDTH}}  {result.id}"]
    if result.outcome in {"skipped", "passed"} and result.reason:
        lines[0] += f"  ({_printable(result.reason)})"
    if result.outcome in {"failed", "open"}:
        told = (
            ("demands", result.demands),
            ("", result.reason),
            ("asked", result.asked),
            ("came", result.came),
            ("expected", result.expected),
        )
        lines += [f"{'':{WIDTH}}    {f'{name}: ' if name else ''}{_printable(text)}" for name, text in told if text]
    return "\n".join(lines)


def verdicts(report: Report) -> str:
    """The levels, and the whole."""
    lines = [_level(each) for each in report.levels]
    summary = "certified" if report.passed else "not certified"
    return "\n".join([*lines, f"{report.adapter}: {summary}, {len(report.rules)} rules in {report.seconds:.1f} s"])


def _level(each: Verdict) -> str:
    counts = f"{each.rules_passed} passed, {each.rules_failed} failed or open, {each.rules_skipped} skipped"
    return f"{each.level:<10}{each.outcome:<9}{each.reason if each.outcome == 'skipped' else counts}"


def _printable(text: str) -> str:
    """What a vendor's system says must not steer the terminal."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)
