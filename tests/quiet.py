"""A test marked ``quiet`` runs alone: no other process of this run has a test under way meanwhile, so what it times is its own.

Every test holds `room` together with others, a quiet one by itself. `door` is passed on the way in: who waits for the room to be
empty lets nobody else in.
"""

import fcntl
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest


class Room:
    """Of all processes of one run: two files, locked with flock(2), which a process that dies lets go of."""

    def __init__(self, run: str) -> None:
        folder = Path(tempfile.gettempdir())
        self._door = (folder / f"ww-{run}.door").open("w")
        self._room = (folder / f"ww-{run}.room").open("w")

    def enter(self, *, alone: bool) -> None:
        """Wait until it is free, or until nobody is alone in it."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Let others in."""
        fcntl.flock(self._room, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave nothing behind; whoever else has the files open goes on with them."""
        for file in (self._door, self._room):
            file.close()
            Path(file.name).unlink(missing_ok=True)


class Quiet:
    """The plugin of one process of a run."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._room.enter(alone=item.get_closest_marker("quiet") is not None)
        try:
            return (yield)
        finally:
            self._room.leave()

    def pytest_unconfigure(self) -> None:
        self._room.close()


def keep_quiet(config: pytest.Config) -> None:
    """Let this process of several wait for the others' quiet tests, and them for its own; a single one has nobody to wait for."""
    run = getattr(config, "workerinput", {}).get("testrunuid")
    if run is not None:
        config.pluginmanager.register(Quiet(Room(run)))
