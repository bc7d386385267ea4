"""Who may know whom: the contracts of pyproject.toml hold, and each of them notices when it does not."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.sources import CODE, ROOT, modules, named, parsed

PURE_NAMES = {"states", "model", "rules"}
PURE = {"hub/kernel", "hub/pricing", "hub/risk"}
PURE_FILES = {"hub/ledger/recipes.py", "hub/payments/ports.py", "hub/checkout/saga.py", "hub/checkout/timing.py"}
CLOCKS = {"now", "utcnow", "today"}

PLANTED = {
    "ladder": ("hub/kernel/ids.py", "import hub.runtime.inbox"),
    "hub-and-spokes": ("hub/runtime/inbox.py", "import spokes.dummy.switches"),
    "spokes-know-the-sdk": ("spokes/dummy/switches.py", "import hub.kernel.money"),
    "hub-knows-messages": ("hub/runtime/inbox.py", "import vendor_sdk.guard"),
    "stripe-stands-behind-the-gateway": ("hub/payments/capture.py", "import stripe"),
    "pure-core": ("hub/kernel/money.py", "import time"),
    "pure-saga": ("hub/checkout/saga.py", "import asyncio"),
}
"""A line that breaks each contract, and where."""


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter over the tree at `root`."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run([sys.executable, "-P", "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False)


def contracts() -> dict[str, str]:
    """Every contract's name by its id."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["id"]: contract["name"] for contract in read["tool"]["importlinter"]["contracts"]}


def copied(to: Path) -> Path:
    """The code without its tests, to be broken."""
    for folder in CODE:
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", to)
    return to


def test_the_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_contract_notices_what_it_forbids(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    for path, line in PLANTED.values():
        with (tree / path).open("a") as file:
            file.write(f"\n{line}\n")
    said = lint_imports(tree).stdout
    assert PLANTED.keys() == contracts().keys()
    assert [name for name in contracts().values() if f"{name} BROKEN" not in said] == [], said


def test_a_new_package_has_to_be_placed_on_the_ladder(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    (tree / "hub" / "loyalty").mkdir()
    (tree / "hub" / "loyalty" / "__init__.py").write_text('"""Owns points."""\n')
    done = lint_imports(tree)
    assert done.returncode != 0
    assert "loyalty" in done.stdout


def is_pure(path: Path) -> bool:
    name = named(path)
    return path.stem in PURE_NAMES or name in PURE_FILES or any(name.startswith(f"{folder}/") for folder in PURE)


def asks_a_clock(node: ast.AST) -> bool:
    """Whether it is ``datetime.now`` or one of its like."""
    return isinstance(node, ast.Attribute) and node.attr in CLOCKS and ast.unparse(node.value).split(".")[-1] in {"datetime", "date"}


def test_the_pure_core_is_told_the_time() -> None:
    pure = [path for path in modules("hub") if is_pure(path)]
    assert len(pure) > len(PURE_FILES)
    assert [f"{named(path)}:{getattr(node, 'lineno', 0)}" for path in pure for node in ast.walk(parsed(path)) if asks_a_clock(node)] == []
    assert any(asks_a_clock(node) for node in ast.walk(ast.parse("import datetime\ndatetime.datetime.now(UTC)")))


def test_a_saga_takes_only_names_from_the_verbs() -> None:
    taken = [
        name.name
        for node in parsed(ROOT / "hub/checkout/saga.py").body
        if isinstance(node, ast.ImportFrom) and node.module != "hub.kernel.saga"
        for name in node.names
    ]
    assert taken, "a saga made of nothing"
    assert [name for name in taken if not name.isupper()] == []
