"""Many vendors' spokes in one process: each starts, fails and stops alone."""

import asyncio
import gc
import logging
import resource
import signal
from pathlib import Path

from vendor_sdk.errors import AdapterError
from vendor_sdk.logs import bound
from vendor_sdk.settings import Loaded, load
from vendor_sdk.spoke import Spoke

log = logging.getLogger(__name__)

CONNECTS_AT_ONCE = 16
RESCAN_SECONDS = 1.0
RESTART_FIRST = 1.0
RESTART_MAX = 30.0

Stamp = tuple[int, int]


class Fleet:
    """The spokes of the settings in one folder."""

    def __init__(self, config: Path, data: Path) -> None:
        self._config = config
        self._data = data
        self._gate = asyncio.Semaphore(CONNECTS_AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stamps: dict[str, Stamp] = {}

    @property
    def names(self) -> list[str]:
        """The spokes that run or try to."""
        return sorted(self._running)

    def add(self, name: str, loaded: Loaded) -> None:
        """Run one spoke from now on. Raises `Misconfigured` if its adapter does not exist or refuses its settings."""
        spoke = Spoke(loaded, self._data, self._gate)
        self._running[name] = asyncio.create_task(self._keep(spoke))

    async def remove(self, name: str) -> None:
        """Drain and stop one spoke."""
        task = self._running.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stop(self) -> None:
        """Drain and stop all."""
        tasks = list(self._running.values())
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def scan(self) -> None:
        """Bring the running spokes in line with the folder's files: new ones start, changed ones restart, gone ones stop.

        A broken file is logged once and harms no other spoke.
        """
        found = {path.stem: path for path in sorted(self._config.glob("*.toml"))}
        for name in self._stamps.keys() - found.keys():
            del self._stamps[name]
            if name in self._running:
                await self.remove(name)
        for name, path in found.items():
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if self._stamps.get(name) == stamp:
                continue
            self._stamps[name] = stamp
            if name in self._running:
                await self.remove(name)
            try:
                self.add(name, load(path))
            except AdapterError as error:
                log.error("not started: %s", error.message)  # noqa: TRY400 - the message says it all
            except Exception:
                log.exception("not started: %s", path)

    async def watch(self) -> None:
        """Scan every second, until canceled."""
        while True:
            try:
                await self.scan()
            except OSError as error:
                log.warning("cannot read %s: %s", self._config, error)
            await asyncio.sleep(RESCAN_SECONDS)

    async def _keep(self, spoke: Spoke) -> None:
        """Run one spoke until canceled; one that cannot start (its vendor's system is down) is tried again."""
        pause = RESTART_FIRST
        with bound(vendor=spoke.vendor):
            while not await self._started(spoke, pause):
                await asyncio.sleep(pause)
                pause = min(pause * 2, RESTART_MAX)
            try:
                await asyncio.Event().wait()
            finally:
                await spoke.stop()

    async def _started(self, spoke: Spoke, pause: float) -> bool:
        try:
            await spoke.start()
        except AdapterError as error:
            log.error("cannot start, trying again in %.0f s: %s", pause, error.message)  # noqa: TRY400 - the message says it all
        except Exception:
            log.exception("cannot start, trying again in %.0f s", pause)
        else:
            return True
        return False


async def run(names: list[str], *, config: Path, data: Path, watch: bool) -> None:
    """Run the named spokes (with `watch`: those of every file in `config`, as they come and go) until SIGTERM, SIGINT or SIGHUP.

    Raises `Misconfigured` if a named spoke's settings are wrong.
    """
    _raise_file_limit()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    fleet = Fleet(config, data)
    try:
        for name, loaded in {name: load(config / f"{name}.toml") for name in names}.items():
            fleet.add(name, loaded)
    except AdapterError:
        await fleet.stop()
        raise
    gc.collect()
    gc.freeze()  # what is loaded stays: to look through it for garbage again and again stops all spokes for a moment
    watching = asyncio.create_task(fleet.watch()) if watch else None
    await ended.wait()
    if watching:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    await fleet.stop()


def _raise_file_limit() -> None:
    """A socket per vendor: ask for as many open files as we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
