"""A spoke as a real process: `python -m spokes`, started, killed and started again."""

import asyncio
import signal
import sys
from pathlib import Path

from tests.vendor_sdk.stand import Stand

ROOT = Path(__file__).parents[2]


class SpokeProcess:
    """One process with the spokes of some vendors."""

    def __init__(self, stand: Stand, folder: Path, *arguments: str) -> None:
        self._stand = stand
        self._folder = folder
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = ["-m", "spokes", *self._arguments, "--config", str(self._folder), "--data", str(self._stand.data)]
        with (self._folder / "spokes.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stderr=log)

    async def ended(self, within: float = 30.0) -> int:
        """Its exit code, when it ends by itself."""
        assert self._process
        return await asyncio.wait_for(self._process.wait(), within)

    async def kill(self, number: int = signal.SIGKILL) -> int:
        """Its exit code after the signal."""
        assert self._process
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self.ended()

    @property
    def log(self) -> str:
        return (self._folder / "spokes.log").read_text()


def write_settings(stand: Stand, folder: Path, vendor: str, config: str = "") -> Path:
    """``<vendor>.toml`` with its seed beside it."""
    (folder / f"{vendor}.nk").write_text(stand.seeds[vendor])
    path = folder / f"{vendor}.toml"
    text = f'adapter = "dummy"\n[nats]\nurl = "{stand.server.url}"\nseed_file = "{{vendor}}.nk"\n[config]\n{config}\n'
    path.with_suffix(".new").write_text(text)
    return path.with_suffix(".new").replace(path)
