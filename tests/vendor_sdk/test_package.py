"""The SDK as a vendor gets it: a wheel of its own that imports with nothing of the hub beside it."""

import subprocess
import tomllib
from pathlib import Path

from tests.vendor_sdk.wheel import SDK, install

NEEDS_PYTEST = "vendor_sdk.conformance.pytest"


def test_it_installs_and_runs_alone(wheel: Path, tmp_path: Path) -> None:
    """Only its own dependencies are lent to it, by name, so that a hidden one would be missed."""
    python = install(wheel, tmp_path / "venv")
    paths = (path.relative_to(SDK.parent).with_suffix("") for path in SDK.rglob("*.py") if "build" not in path.parts)
    modules = sorted(name for path in paths if (name := ".".join(path.parts).removesuffix(".__init__")) != NEEDS_PYTEST)
    assert "vendor_sdk.conformance.rules.stock" in modules
    program = (
        f"import importlib, sys; [importlib.import_module(m) for m in {modules}]; print('hub' in sys.modules, 'spokes' in sys.modules)"
    )
    done = subprocess.run([python, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "False False\n"
    help_text = subprocess.run([python, "-m", "vendor_sdk.cli", "run", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--watch" in help_text.stdout
    where = subprocess.check_output([python, "-c", "import vendor_sdk; print(vendor_sdk.__path__[0])"], cwd=tmp_path, text=True)
    assert (Path(where.strip()) / "py.typed").exists()


def test_its_dependencies_are_those_it_uses() -> None:
    declared = tomllib.loads((SDK / "pyproject.toml").read_text())["project"]["dependencies"]
    assert sorted(dependency.split(">")[0].split("[")[0] for dependency in declared) == [
        "h11",
        "httpx",
        "msgspec",
        "nats-py",
        "pybreaker",
        "tenacity",
    ]


def test_the_readme_names_what_it_needs() -> None:
    declared = tomllib.loads((SDK / "pyproject.toml").read_text())["project"]["dependencies"]
    needs = next(line for line in (SDK / "README.md").read_text().splitlines() if line.startswith("It needs "))
    assert [name for each in declared if f"`{(name := each.split('>')[0].split('[')[0])}`" not in needs] == []


def test_every_package_of_it_is_in_the_wheel() -> None:
    listed = tomllib.loads((SDK / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(SDK.parent).parts) for path in SDK.rglob("__init__.py") if "build" not in path.parts}
    assert sorted(listed) == sorted(there)
