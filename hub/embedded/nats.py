"""Owns one local NATS server: its configuration file, its store, its process."""

import contextlib
import signal
import socket
import subprocess
import time
from pathlib import Path

from hub.embedded.binaries import nats_server
from hub.embedded.child import Patience, end, run, spawn
from hub.embedded.ports import LOOPBACK, claim_port

_HANGUPS = 2
"""A new account's service imports answer only after the *second* reload of the same file (seen with 2.15.1)."""


class NatsFailed(RuntimeError):
    """The broker did not start, or refused its configuration; carries what it said."""


class Nats:
    """A NATS server on loopback with its store in `data`; `port` 0 takes a free one and keeps it over restarts.

    `config_text` needs no address and may have no `store_dir`: both are given on the command line.
    """

    def __init__(self, data: Path, config_text: str, port: int = 0) -> None:
        self.data = data.absolute()
        self.config_text = config_text
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for clients, without credentials."""
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker writes."""
        return self.data / "nats.log"

    @property
    def config(self) -> Path:
        """The configuration file, written by us before each start and reload."""
        return self.data / "nats.conf"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process we started is alive."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Set the broker going, if it does not run; raises PortInUse."""
        if self.running:
            return
        self.port = claim_port(self.port, "--nats-port")
        self.data.mkdir(parents=True, exist_ok=True)
        self._write(self.config_text)
        self._process = spawn([*self._command(), "-a", LOOPBACK, "-p", str(self.port), "-sd", self.data / "store"], log=self.log)

    def start(self, patience: float = 20.0) -> None:
        """Start the broker and return when it greets a connection.

        Raises PortInUse, and NatsFailed if it ends or says nothing for `patience` seconds.
        """
        log_from = self._log_size()
        self.launch()
        waiting = Patience(self.log, patience)
        while not self._greets():
            if not self.running or waiting.is_out:
                self.kill()
                raise NatsFailed(f"the broker did not start: {self._told(log_from)[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End in order: clients are told, the store is closed."""
        if self._process:
            end(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; what it acknowledged but had not yet handed to the system is gone."""
        if self._process:
            end(self._process)

    def reload(self, config_text: str, patience: float = 30.0) -> None:
        """Take new accounts without dropping the others (SIGHUP); returns when the broker says it is done.

        A text that it refuses raises NatsFailed and leaves the old one in force; so does a broker that has not recovered yet.
        """
        self._check(config_text)
        if self.running and not self._greets():
            raise NatsFailed("the broker is still starting")
        self._write(config_text)
        if self._process and self.running:
            try:
                for _ in range(_HANGUPS):
                    self._hang_up(self._process, time.monotonic() + patience)
            except NatsFailed:
                self._write(self.config_text)
                raise
        self.config_text = config_text

    def _hang_up(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        log_from = self._log_size()
        process.send_signal(signal.SIGHUP)
        while time.monotonic() < deadline and self.running:
            told = self._told(log_from)
            if "Reloaded server configuration" in told:
                return
            if "Failed to reload" in told:
                raise NatsFailed(told)
            time.sleep(0.02)
        raise NatsFailed("the broker did not confirm its new configuration")

    def _check(self, config_text: str) -> None:
        draft = self.data / "nats.conf.draft"
        draft.write_text(config_text)
        done = run([nats_server(), "-t", "-c", draft])
        draft.unlink()
        if done.returncode != 0:
            raise NatsFailed(f"the broker refuses its configuration: {(done.stdout + done.stderr).strip()}")

    def _write(self, config_text: str) -> None:
        draft = self.data / "nats.conf.new"
        draft.touch(mode=0o600)  # it may hold passwords
        draft.write_text(config_text)
        draft.replace(self.config)

    def _command(self) -> list[str | Path]:
        return [nats_server(), "-c", self.config]

    def _greets(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1) as line:
            return line.recv(5) == b"INFO "
        return False

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _told(self, since: int) -> str:
        with self.log.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")
