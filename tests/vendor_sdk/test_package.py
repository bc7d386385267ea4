"""The SDK as a vendor gets it: a wheel of its own that imports with nothing of the hub beside it."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SDK = ROOT / "vendor_sdk"

HTTPX = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "typing_extensions.py")
LENT = ("msgspec", "nats", "nkeys", "nacl", "cffi", "pycparser", "pybreaker", "tenacity", *HTTPX)
"""Its dependencies with theirs."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline from a copy (building leaves files beside the source)."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(SDK, folder / "vendor_sdk", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(folder.glob("wheelwright_vendor_sdk-*.whl"))


def test_it_installs_and_runs_alone(wheel: Path, tmp_path: Path) -> None:
    """Only its own dependencies are lent to it, by name, so that a hidden one would be missed."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip())
    shutil.unpack_archive(wheel, site, "zip")
    lent = Path(sysconfig.get_path("purelib"))
    for name in LENT:
        (site / name).symlink_to(lent / name)
    for extra in lent.glob("_cffi_backend*"):
        (site / extra.name).symlink_to(extra)
    modules = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SDK.rglob("*.py") if path.stem != "__init__")
    program = (
        f"import importlib, sys; [importlib.import_module(m) for m in {modules}]; print('hub' in sys.modules, 'spokes' in sys.modules)"
    )
    done = subprocess.run([python, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "False False\n"
    help_text = subprocess.run([python, "-m", "vendor_sdk.cli", "run", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--watch" in help_text.stdout
    assert (site / "vendor_sdk" / "py.typed").exists()


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
