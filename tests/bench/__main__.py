"""`make bench`: what the hub does per second and how long it takes, beside what PostgreSQL itself does in the same minutes.

`python -m tests.bench placing flash` measures these parts alone, and bench.json keeps the others as they were; `--quick` is a
smoke of every part: it shows that they run, its figures are worth nothing and are not kept.
"""

import argparse
import logging
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvloop

from tests.bench.ground import Ground, ground
from tests.bench.pace import QUICK, WHOLE
from tests.bench.parts import PARTS
from tests.bench.report import Report, console


def main(words: Sequence[str]) -> int:
    """Measure, print, write. Raises what a part raises: a wrong answer, a miscounted order, a broken law."""
    wanted = _arguments(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = Path(thrown_away) if wanted.quick else Path()
        report = Report(folder, console())
        with ground(QUICK if wanted.quick else WHOLE) as made:
            uvloop.run(_all(made, wanted.parts or list(PARTS), report))
        if not wanted.quick:  # what a smoke reaches is no figure
            report.goals()
    return 0


async def _all(made: Ground, parts: Sequence[str], report: Report) -> None:
    python = platform.python_version()
    report.machine({"cores": os.cpu_count(), "system": platform.platform(), "python": python, "postgresql": await made.facts()})
    for name in parts:
        print(f"{name} …", flush=True)  # noqa: T201 - a command speaks to its terminal
        began, load = time.monotonic(), os.getloadavg()[0]
        found = await PARTS[name](made)
        took = time.monotonic() - began
        report.keep(name, found, {"seconds": round(took, 1), "load_before": load})
        print(f"{name}: {took:.0f} s\n", flush=True)  # noqa: T201 - a command speaks to its terminal


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a smoke of every part")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
