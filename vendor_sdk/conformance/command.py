"""``vendor-sdk certify``: the rules on a terminal, the report in a folder."""

import argparse
import asyncio
import sys
from pathlib import Path

from vendor_sdk.conformance import page, report, table
from vendor_sdk.conformance.report import Report
from vendor_sdk.errors import Misconfigured
from vendor_sdk.ports import PORTS

PASSED, FAILED, WRONG_SETTINGS = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What certifying takes."""
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="an adapter, its folder or its certify.toml (default: the one here)"
    )
    parser.add_argument("--level", action="append", choices=["wire", *PORTS], default=[], help="only this level; may be said again")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write report.json, report.html and badge.svg into this folder")


def run(arguments: argparse.Namespace) -> int:
    """0: every rule that was tried is kept. 1: not so. 2: nothing could be tried."""
    from vendor_sdk.conformance.certify import certify  # the rules and an HTTP client: nothing for who only runs spokes
    from vendor_sdk.conformance.settings import load, located

    sys.path.insert(0, str(Path.cwd()))  # a project's own stage and adapter need not be installed
    try:
        made = asyncio.run(certify(load(located(arguments.name)), arguments.level, lambda result: _say(table.row(result))))
        if arguments.report is not None:
            write(made, arguments.report)
    except (Misconfigured, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_SETTINGS
    _say(f"\n{table.verdicts(made)}")
    return (
        PASSED
        if all(each.outcome not in {"failed", "open"} for each in made.levels) and any(each.passed for each in made.levels)
        else FAILED
    )


def write(made: Report, folder: Path) -> None:
    """The report for machines, for people, and its badge."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(report.write(made))
    (folder / "report.html").write_text(page.page(made), encoding="utf-8")
    (folder / "badge.svg").write_text(page.badge(made), encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
