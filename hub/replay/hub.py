"""Owns the hub that a replay runs on: one that runs already, or one of its own with settings for the run."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

from hub.embedded.folder import Folder, NotRunning, Running
from hub.embedded.start import discard, own_hub
from hub.settings import ENVIRONMENT_PREFIX

PER_MINUTE = "100000000"
_SETTINGS = {
    **{f"HTTP__{who}_PER_MINUTE": PER_MINUTE for who in ("ANONYMOUS", "BUYER", "VENDOR", "OPERATOR")},  # a few buyers buy for all
    "ORDERS__RESERVE_SECONDS": "3600",  # what is slow because thousands order at once is not a vendor's refusal
    "ORDERS__ASK_AGAIN_SECONDS": "20",
    "LOG__LEVEL": "warning",
}
_SPOKES = {"SPOKE_HEARTBEAT": "5", "SPOKE_NATS_PING": "15", "SPOKE_NATS_IDLE_HEARTBEAT": "10"}
"""Hundreds of idle spokes in one process would otherwise take half a processor only to say that they live."""


@contextlib.contextmanager
def hub_for(data: Path | None) -> Generator[tuple[Running, Folder]]:
    """The hub that runs on `data`; else one of our own on `data`; else on a folder that is thrown away, unless the block raises."""
    folder = Folder(data or Path(tempfile.mkdtemp(prefix="wheelwright-replay-")))
    if (found := _running(folder)) is not None:
        yield found, folder
        return
    environment = {ENVIRONMENT_PREFIX + name: value for name, value in _SETTINGS.items()} | _SPOKES | dict(os.environ)
    try:
        with own_hub(folder, environment) as running:
            yield running, folder
    except BaseException:
        print(f"kept for you to look at: {folder.root}", file=sys.stderr)  # noqa: T201 - the way to the logs
        raise
    if data is None:
        discard(folder)


def _running(folder: Folder) -> Running | None:
    try:
        return folder.running()
    except NotRunning:
        return None
