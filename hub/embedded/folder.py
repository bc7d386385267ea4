"""Owns the data folder of `hub run`: who may use it, what lies where, and how other commands find the running hub."""

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from hub.embedded.child import shared
from hub.embedded.nkey import new_seed

_T = TypeVar("_T")

SAMPLE_STOCK = "in/stock-sample.csv"
DYING_SECONDS = 15.0
"""How long the children of a killed hub may take to end."""


class FolderInUse(RuntimeError):
    """Another hub runs on this data folder."""


class NotRunning(RuntimeError):
    """No hub runs on this data folder."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A running hub: its address, and the environment in which other commands reach its parts."""

    url: str
    pid: int
    environment: dict[str, str]


def _webhook_secret() -> str:
    return f"whsec_{secrets.token_hex(24)}"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What one embedded hub keeps secret over restarts; each is made where it is missing."""

    hub_seed: str = msgspec.field(default_factory=new_seed)
    system_seed: str = msgspec.field(default_factory=new_seed)
    stripe_key: str = msgspec.field(default_factory=lambda: f"sk_test_{secrets.token_hex(24)}")
    webhook_secret: str = msgspec.field(default_factory=_webhook_secret)
    connect_webhook_secret: str = msgspec.field(default_factory=_webhook_secret)


class Folder:
    """A data folder; only its owner may enter it, but for PostgreSQL's account, which may pass through."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.postgres = self.root / "postgres"
        self.nats = self.root / "nats"
        self.logs = self.root / "logs"
        self.sandbox = self.root / "stripe.sqlite"
        self.keys = self.root / "keys.json"
        self.shell = self.root / "ask.sh"
        self.staff = self.root / "staff.json"
        self.exchanges = self.root / "exchanges"
        """A folder for each sample vendor that exchanges files; what it has of what lies in `SAMPLE_STOCK` until that was read."""
        self.spoke_configs = self.root / "spokes" / "config"
        self.spoke_seeds = self.root / "spokes"
        self.spoke_data = self.root / "spokes" / "data"
        self._running = self.root / "running.json"
        self._lock: int | None = None

    def claim(self) -> None:
        """Make it ours until this process and all its children have ended; raises FolderInUse."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for folder in (self.logs, self.spoke_seeds, self.spoke_configs, self.spoke_data):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + DYING_SECONDS
        while not _locked(self._lock):
            if time.monotonic() > deadline or not self._left_behind():
                os.close(self._lock)
                raise FolderInUse(f"another hub runs on {self.root}: stop it, or choose another folder with --data")
            time.sleep(0.1)
        shared.add(self._lock)

    def release(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            shared.discard(self._lock)
            os.close(self._lock)
            self._lock = None

    def identity(self) -> Identity:
        """Its secrets: made at the first start that wants them, kept since."""
        path = self.root / "identity.json"
        known = _read(path, Identity) if path.exists() else Identity()
        write_private(path, msgspec.json.encode(known))
        return known

    def announce(self, running: Running) -> None:
        """Let other commands find the hub."""
        write_private(self._running, msgspec.json.encode(running))

    def withdraw(self) -> None:
        """The hub is gone."""
        self._running.unlink(missing_ok=True)

    def running(self) -> Running:
        """The hub that runs here now; raises NotRunning."""
        told = self._told()
        if told is None or not _lives(told.pid):
            raise NotRunning(f"no hub runs on {self.root}: start one with `hub run`, or name its folder with --data")
        return told

    def _left_behind(self) -> bool:
        """Whether the lock's holders can only be the children, about to end, of a hub that was killed."""
        told = self._told()
        return told is not None and not _lives(told.pid)

    def _told(self) -> Running | None:
        try:
            return _read(self._running, Running)
        except FileNotFoundError:
            return None


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only we may read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def _read(path: Path, kind: type[_T]) -> _T:
    return msgspec.json.decode(path.read_bytes(), type=kind)
