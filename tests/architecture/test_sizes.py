"""Small files with names of the trade, short functions, a word on top of each module."""

import ast

from tests.architecture.sources import CODE, modules, named, parsed

FILE_LINES_MAX = 300
TEST_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
DOCSTRING_LINES_MAX = 10

NAMES_THAT_SAY_NOTHING = {"service", "services", "util", "utils", "helper", "helpers", "manager", "misc", "common", "lib", "tools"}


def test_files_are_small() -> None:
    limits = [(path, FILE_LINES_MAX) for path in modules(*CODE, "migrations/env.py")] + [
        (path, TEST_LINES_MAX) for path in modules("tests")
    ]
    lengths = [(named(path), len(path.read_text().splitlines()), limit) for path, limit in limits]
    assert [f"{name}: {lines} lines, at most {limit}" for name, lines, limit in lengths if lines > limit] == []


def test_functions_are_short() -> None:
    found = [
        f"{named(path)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines, at most {FUNCTION_LINES_MAX}"
        for path in modules(*CODE, "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert found == []


def test_files_are_named_for_verbs_and_nouns_of_the_trade() -> None:
    found = [path for path in modules(*CODE, "tests") if {path.stem, path.parent.name} & NAMES_THAT_SAY_NOTHING]
    assert [named(path) for path in found] == []


def test_every_module_says_what_it_owns() -> None:
    silent: list[str] = []
    for path in modules(*CODE, "tests"):
        said = ast.get_docstring(parsed(path))
        if (parsed(path).body and not said) or len((said or "").splitlines()) > DOCSTRING_LINES_MAX:
            silent.append(named(path))
    assert silent == [], f"no docstring, or one of more than {DOCSTRING_LINES_MAX} lines: what needs a page belongs into a README"
