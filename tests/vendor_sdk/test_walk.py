"""The walk of the README, timed: an empty environment with the wheel, a new project, its three files filled, certified, serving."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.vendor_sdk import orders
from tests.vendor_sdk.stand import Stand
from tests.vendor_sdk.walk import fill, shop_url
from tests.vendor_sdk.wheel import install
from vendor_sdk.conformance import report
from vendor_sdk.conformance.levels import LEVELS

__all__ = ["shop_url"]

SERVED = ("wire", "stock", "orders", "shipping")
"""What the starter's class has."""
SECONDS_MAX = 60.0
PYTEST = ("pytest", "py.py", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")


@asynccontextmanager
async def running(sdk: list[str | Path], project: Path, stand: Stand, vendor: str, url: str) -> AsyncGenerator[None]:
    """The project's spoke, as the vendor runs it; not installed, so the adapter is named by its module."""
    (project / "spokes" / "corner.toml").rename(project / "spokes" / f"{vendor}.toml")
    own = f"SPOKE_{vendor.upper().replace('-', '_')}"
    given = {"SPOKE_NATS_URL": stand.server.url, "SPOKE_ADAPTER": "corner.adapter:Corner"}
    environ = os.environ | given | {f"{own}_NATS_SEED": stand.seeds[vendor], f"{own}_CONFIG_URL": url}
    command = [*sdk, "run", vendor, "--config", "spokes", "--data", "data", "--log-level", "ERROR"]
    process = await asyncio.create_subprocess_exec(*command, cwd=project, env=environ)
    yield
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def ran(*command: str | Path, cwd: Path) -> tuple[int, str]:
    """How a command ended, and what it said."""
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_from_nothing_to_answered_orders(wheel: Path, tmp_path: Path, shop_url: str, stand: Stand, vendor: str) -> None:
    began = time.monotonic()
    sdk: list[str | Path] = [install(wheel, tmp_path / "venv", *PYTEST), "-m", "vendor_sdk.cli"]
    assert (await ran(*sdk, "new", "corner", cwd=tmp_path))[0] == 0
    project = tmp_path / "corner"

    code, said = await ran(*sdk, "certify", cwd=project)
    assert code == 1
    assert said.count("not written yet") == sum(len(LEVELS[level]) for level in SERVED)
    assert "FAILED" not in said

    fill(project, shop_url)
    code, said = await ran(*sdk, "certify", "--report", "report", cwd=project)
    assert code == 0, said
    made = report.read((project / "report" / "report.json").read_bytes())
    assert made.passed
    assert [(level.level, level.passed) for level in made.levels] == [(level, level in SERVED) for level in LEVELS]
    assert json.loads((project / "report" / "report.json").read_text())["adapter"] == "corner.adapter:Corner"
    assert "certified" in (project / "report" / "report.html").read_text()

    async with running(sdk, project, stand, vendor, shop_url):
        for name, command in {
            "r.reserved": orders.reserve("sub-1", "MUG", 1),
            "s.accepted": orders.submit("sub-1", "MUG", 1),
            "h.shipped": orders.ship("sub-1", "MUG", 1),
        }.items():
            await stand.command(vendor, command, f"{vendor}.{name[0]}")
            await stand.event(f"{vendor}.{name}", within=20)
    assert time.monotonic() - began < SECONDS_MAX

    for where, tests in ((project, "."), (tmp_path, "corner")):
        _, said = await ran(sdk[0], "-m", "pytest", "-q", "-k", "stock", tests, cwd=where)
        assert f"{len(LEVELS['stock'])} passed" in said, said
