"""Owns the two ways to a running hub: `hub run` in this process, or one found or started for a command that needs it."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from hub.embedded.children import Python
from hub.embedded.folder import Folder, NotRunning, Running
from hub.embedded.postgres import Postgres
from hub.embedded.supervisor import READY_SECONDS, Ports, StartFailed, Supervisor, tail

WAIT_SECONDS = 3 * READY_SECONDS
ENDING_SECONDS = 60.0
"""How long a hub may take to end all its children in order."""


async def start(data: Path | None, ports: Ports, settings_file: Path | None = None) -> None:
    """Run a hub on `data`, or on a folder that is thrown away, until a signal ends it."""
    if data is not None:
        return await Supervisor(Folder(data), ports, settings_file).run()
    folder = Folder(Path(tempfile.mkdtemp(prefix="wheelwright-")))
    try:
        return await Supervisor(folder, ports, settings_file).run()
    finally:
        discard(folder)


@contextlib.contextmanager
def running_hub(data: Path) -> Generator[tuple[Running, Path]]:
    """The hub that runs on `data`, else one of its own on free ports and a throw-away folder; with the folder used."""
    try:
        running = Folder(data).running()
    except NotRunning:
        print("no hub runs here: starting one for this command", file=sys.stderr)  # noqa: T201 - tells why it takes seconds
    else:
        yield running, data
        return
    folder = Folder(Path(tempfile.mkdtemp(prefix="wheelwright-")))
    try:
        with own_hub(folder, os.environ) as running:
            yield running, folder.root
    finally:
        discard(folder)


@contextlib.contextmanager
def own_hub(folder: Folder, environment: Mapping[str, str]) -> Generator[Running]:
    """A hub on `folder` and free ports while the block runs; the folder stays. Raises `StartFailed`."""
    folder.root.mkdir(parents=True, exist_ok=True)
    words = ["run", "--data", str(folder.root), "--port", "0"]
    hub = Python("hub.cli", words, env=environment, log=folder.root / "run.log", patience=READY_SECONDS)  # it has children to wait for
    try:
        hub.launch()
        yield _wait_for(hub, folder)
    finally:
        hub.stop(ENDING_SECONDS)


def discard(folder: Folder) -> None:
    """Delete a folder and what PostgreSQL may keep elsewhere for it."""
    Postgres(folder.postgres).discard()
    shutil.rmtree(folder.root)


def _wait_for(hub: Python, folder: Folder) -> Running:
    deadline = time.monotonic() + WAIT_SECONDS
    while hub.running and time.monotonic() < deadline:
        with contextlib.suppress(NotRunning):
            return folder.running()
        time.sleep(0.1)
    raise StartFailed(f"the hub did not start:\n{tail(hub.log)}")
