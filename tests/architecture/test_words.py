"""One word per thing, spelled one way; a reason beside every exception; nothing of anybody's machine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.sources import CODE, ROOT, files, modules, named

SYNONYMS = {
    "seller": "vendor",
    "merchant": "vendor",
    "supplier": "vendor",
    "wholesaler": "vendor",
    "storefront": "marketplace API",
    "shopper": "customer",
    "basket": "cart",
    "parent_order": "order",
    "master_order": "order",
    "child_order": "sub-order",
    "consignment": "sub-order",
    "chargeback": "dispute",
    "clawback": "reversal",
    "poison": "dead letter",
}
"""What must not be said, and what is said instead."""

NOT_OURS = (
    "hub/sandbox/",
    "hub/gateways/",
    "tests/sandbox/",
    "tests/gateways/",
    "tests/spokes/shopify/cut.py",
    "requirements.lock",
    "LICENSE",
    "tests/architecture/test_words.py",
)
"""Where others' words stand: Stripe speaks of a `seller_message`, a license of merchantability; package names are what they are."""

MACHINE = re.compile(r"/(?:work|Users|home)/|/root/\w|/tmp/\w")
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|(?:docker|ghcr|quay)\.io|proxy\.golang|crates\.io|--(?:extra-)?index-url|find-links"
)

EXCEPTION = re.compile(r"# (?:noqa(?:: [A-Z0-9, ]+)?|(?:pyright|type): ignore(?:\[[^\]]*\])?)")


def spoken() -> list[Path]:
    """Every file whose words are ours."""
    return [path for path in files() if not named(path).startswith(NOT_OURS)]


def test_no_synonyms() -> None:
    word = re.compile("|".join(map(re.escape, SYNONYMS)), re.IGNORECASE)
    found = [
        f"{named(path)}:{number}: {match} (say {SYNONYMS[match.lower()]})"
        for path in spoken()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in word.findall(line)
    ]
    assert found == []


def test_no_synonyms_in_names_of_files() -> None:
    assert [named(path) for path in spoken() if any(word in named(path).lower() for word in SYNONYMS)] == []


def test_spelling_is_right_and_american() -> None:
    parts = [*CODE, "migrations", "tests", "config", "Makefile", "README.md", "pyproject.toml", "compose.yaml"]
    there = [part for part in parts if (ROOT / part).exists()]
    done = subprocess.run([sys.executable, "-m", "codespell_lib", *there], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_a_machine_or_of_a_registry() -> None:
    found = [
        f"{named(path)}:{number}: {line.strip()[:120]}"
        for path in files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MACHINE.search(line) or REGISTRIES.search(line)
    ]
    assert found == []


def reason(line: str) -> str | None:
    """What is said after the last exception in a line; None if it has none."""
    *_, last = [None, *EXCEPTION.finditer(line)]
    return None if last is None else line[last.end() :].strip(" #-")


def test_every_exception_from_a_rule_has_its_reason() -> None:
    bare = [
        f"{named(path)}:{number}: {line.strip()}"
        for path in modules(*CODE, "tests", "migrations")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if reason(line) == ""
    ]
    assert bare == []


def test_a_bare_exception_would_be_noticed() -> None:
    noqa, ignore = "x  # " + "noqa", "x  # pyright: " + "ignore"
    assert [reason(line) for line in (noqa, f"{noqa}: E501, S101", f"{ignore}[a, b]", f"{noqa}: A1 # {ignore[5:]}[a]")] == [""] * 4
    assert reason(f"{noqa}: E501 - it reads better") == "it reads better"
    assert reason("x = 1  # a comment") is None


def test_every_setting_says_why_it_has_its_value() -> None:
    path = ROOT / "config" / "settings.toml"
    lines = path.read_text().splitlines()
    keys = [key for section in tomllib.loads(path.read_text()).values() for key in section]
    said = {line.split("=")[0].strip() for line in lines if re.match(r"\w+ = .*#.{5,}", line)}
    assert [key for key in keys if key not in said] == []
