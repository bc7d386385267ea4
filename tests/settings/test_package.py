"""The hub as a wheel: what it reads at run time is in it."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_SOURCE = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "tests")

PROGRAM = """
import hub.app, hub.migrate, hub.seed, hub.settings, hub.wiring
print(hub.__file__)
print(hub.app.cart_rules(hub.settings.load_settings()).currency, hub.wiring.commission(hub.settings.load_settings()).rules[0].name)
print((hub.settings.CONFIG / "sample.toml").exists())
print(sorted(path.name for path in hub.migrate.MIGRATIONS.rglob("*.*") if "cache" not in str(path)))
"""


def test_a_hub_that_is_installed_from_its_wheel_finds_its_settings_and_migrations(tmp_path: Path):
    source = shutil.copytree(ROOT, tmp_path / "source", ignore=NOT_SOURCE)  # building leaves files beside the source
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source]
    subprocess.run(build, check=True, capture_output=True, text=True)
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--no-deps", "--offline", "--python", python, *tmp_path.glob("*.whl")]
    subprocess.run(install, check=True, capture_output=True, text=True)
    site = Path(subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip())
    shutil.copytree(source / "vendor_sdk", site / "vendor_sdk")
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    done = subprocess.run([python, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        str(site / "hub" / "__init__.py"),
        "EUR standard",
        "True",
        str(sorted(path.name for path in (ROOT / "migrations").rglob("*.*") if path.suffix in {".py", ".mako"})),
    ]
