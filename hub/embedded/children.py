"""Owns the running of many children at once: started in order, restarted when they die, ended in order."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from hub.embedded.child import end, spawn
from hub.embedded.lineage import VARIABLE

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SETTLED_SECONDS = 30.0
"""A child that lived this long has recovered: its next death waits the shortest time again."""


class Server(Protocol):
    """Something that can be started again."""

    @property
    def running(self) -> bool:
        """Whether it lives."""
        ...

    def launch(self) -> None:
        """Set it going, if it does not run; it may need a while to recover until it answers."""
        ...

    def stop(self) -> None:
        """End it in order."""
        ...


class Python:
    """A child that runs one of our own commands (`module` and its words) with its output in `log`.

    `patience`: the seconds it may take to stop before SIGKILL.
    """

    def __init__(self, module: str, words: Sequence[str], *, env: Mapping[str, str], log: Path, patience: float = 15.0) -> None:
        self._argv = [sys.executable, "-m", module, *words]
        self._env = dict(env) | {VARIABLE: "1"}
        self.log = log
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        return self._process.pid if self.running and self._process else None

    def launch(self) -> None:
        """Set it going, if it does not run."""
        if not self.running:
            self._process = spawn(self._argv, log=self.log, env=self._env)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        if self._process and self.running:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, patience: float = 10.0) -> None:
        """SIGTERM, and SIGKILL after `patience` seconds."""
        if self._process:
            end(self._process, signal.SIGTERM, patience=patience)

    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.poll() if self._process else None


class Keeper:
    """Keeps one server alive: `look` starts it again when it died, later each time.

    It waits for none to answer: the others would wait too, and a broker or a database that is ended while it recovers
    only has more to recover.
    """

    def __init__(self, name: str, server: Server, tell: Callable[[str], None]) -> None:
        self.name = name
        self.server = server
        self._tell = tell
        self.deaths = 0
        self._started = time.monotonic()
        self._due: float | None = None

    def look(self) -> None:
        """Call this often."""
        now = time.monotonic()
        if self.server.running:
            if now - self._started > SETTLED_SECONDS:
                self.deaths = 0
            return
        if self._due is None:
            wait = BACKOFF_SECONDS[min(self.deaths, len(BACKOFF_SECONDS) - 1)]
            self.deaths += 1
            self._due = now + wait
            self._tell(f"{self.name} died; starting it again in {wait:g} s")
        elif now >= self._due:
            self._due = None
            self._started = now
            try:
                self.server.launch()
            except (OSError, RuntimeError) as failed:  # counted as one more death
                self._tell(f"{self.name} did not start: {failed}")
