"""Owns the SDK as a vendor gets it: its wheel, and a virtual environment that holds nothing else."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

SDK = Path(__file__).parents[2] / "vendor_sdk"

HTTP = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "sniffio", "typing_extensions.py")
LENT = ("msgspec", "nats", "nkeys", "nacl", "cffi", "pycparser", "pybreaker", "tenacity", *HTTP)
"""What its declared dependencies bring along; named one by one, so that a hidden one would be missed."""


def build(folder: Path) -> Path:
    """The wheel, built offline from a copy (building leaves files beside the source)."""
    source = shutil.copytree(SDK, folder / "vendor_sdk", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(folder.glob("wheelwright_vendor_sdk-*.whl"))


def install(wheel: Path, folder: Path, *more: str) -> Path:
    """The interpreter of a new environment in `folder` with the wheel, what it needs, and `more` of ours."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip())
    shutil.unpack_archive(wheel, site, "zip")
    lent = Path(sysconfig.get_path("purelib"))
    for name in (*LENT, *more):
        if (lent / name).exists():
            (site / name).symlink_to(lent / name)
    for extra in lent.glob("_cffi_backend*"):
        (site / extra.name).symlink_to(extra)
    return python
