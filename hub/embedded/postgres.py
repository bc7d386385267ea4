"""Owns one local PostgreSQL 18: its data folder, its password, its process."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from hub.embedded.binaries import postgres_account, postgres_programs, reachable, room
from hub.embedded.child import Patience, end, run, spawn
from hub.embedded.folder import write_private
from hub.embedded.ports import LOOPBACK, claim_port

USER = "hub"
DATABASE = "hub"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path is limited to 107 bytes, a data folder's is not
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",  # costs more than it gains on short queries
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "idle_in_transaction_session_timeout": "60s",
}
_FAST = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB"}
"""Survives a killed process, not a lost machine; `synchronous_commit` stays on, or a kill would lose answered commits."""

_STARTING_AGAIN = ("shared memory block", "another postmaster", "could not bind")
"""What the log says while an earlier server on the same data is still going down."""


class PostgresFailed(RuntimeError):
    """PostgreSQL did not start; carries the end of its log."""


class Postgres:
    """A PostgreSQL server on loopback with its data in `data`; `port` 0 takes a free one and keeps it over restarts.

    Only a random password (file `password`, readable by us alone) opens it. `fast_for_tests` turns fsync off.
    """

    def __init__(self, data: Path, port: int = 0, *, fast_for_tests: bool = False) -> None:
        self.data = data.absolute()
        self.port = port
        self._fast = fast_for_tests
        self._process: subprocess.Popen[bytes] | None = None
        self._password = ""

    @property
    def dsn(self) -> str:
        """The address for asyncpg and libpq."""
        return self.dsn_of(DATABASE)

    @property
    def url(self) -> str:
        """The address for SQLAlchemy."""
        return self.url_of(DATABASE)

    @property
    def log(self) -> Path:
        """What the server writes: errors and slow starts."""
        return self.data / "postgres.log"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process we started is alive."""
        return self._process is not None and self._process.poll() is None

    def dsn_of(self, database: str) -> str:
        """The address of another database on this server, for asyncpg and libpq."""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def url_of(self, database: str) -> str:
        """The address of another database on this server, for SQLAlchemy."""
        return self.dsn_of(database).replace("postgresql://", "postgresql+asyncpg://", 1)

    def start(self, patience: float = 20.0) -> None:
        """Create the cluster if there is none, start the server, return when it answers.

        Raises PortInUse, and PostgresFailed if it ends or says nothing for `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            log_from = self.log.stat().st_size if self.log.exists() else 0
            self.launch()
            if self._ready(Patience(self.log, patience)):
                return
            told = self._told(log_from)
            self._end(signal.SIGQUIT)
            if time.monotonic() > deadline or not any(sign in told for sign in _STARTING_AGAIN):
                raise PostgresFailed(f"PostgreSQL did not start; the end of {self.log}:\n{told[-2000:]}")
            time.sleep(0.2)

    def launch(self) -> None:
        """Set the server going, if it does not run; raises PortInUse, and PostgresFailed if there is no cluster and none can be made."""
        if self.running:
            return
        self.port = claim_port(self.port, "--pg-port")
        self._prepare()
        self._process = self._spawn()

    def stop(self) -> None:
        """Shut down in order: clients are cut off, everything is on disk."""
        self._end(signal.SIGINT, signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL, as a power cut would end the process; `start` recovers from the log."""
        self._end()

    def restart_immediate(self) -> None:
        """Abort all work (SIGQUIT, as `restart -m immediate`), then start again on the same port."""
        self._end(signal.SIGQUIT)
        self.start()

    def discard(self) -> None:
        """Stop and delete the data."""
        self.stop()
        for folder in {self._home(), self.data}:
            if folder.exists():
                shutil.rmtree(folder)

    def _end(self, *signals: signal.Signals) -> None:
        if self._process:
            end(self._process, *signals)

    def _home(self) -> Path:
        """The folder with the cluster: ours, or the one `home` points to where PostgreSQL's account can reach it."""
        link = self.data / "home"
        return link.readlink() if link.is_symlink() else self.data

    def _prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if postgres_account():
            self.data.chmod(0o711)
        link, secret = self.data / "home", self.data / "password"
        if not (self._home() / "cluster" / "PG_VERSION").exists():
            if not link.is_symlink() and not reachable(self.data):
                link.symlink_to(room("data-"))
            self._initialize(secret)
        self._password = secret.read_text()

    def _initialize(self, secret: Path) -> None:
        home, account = self._home(), postgres_account()
        password = secrets.token_urlsafe(24)
        cluster, pwfile = home / "cluster", home / "initdb.password"
        shutil.rmtree(cluster, ignore_errors=True)  # the remains of an interrupted start
        cluster.mkdir(mode=0o700)
        write_private(pwfile, password.encode())
        if account:
            home.chmod(0o711)
            os.chown(cluster, account.pw_uid, account.pw_gid)
            os.chown(pwfile, account.pw_uid, account.pw_gid)
        write_private(secret, password.encode())
        options = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256"]
        if self._fast:
            options.append("--no-sync")
        try:
            created = spawn(
                [postgres_programs() / "initdb", "-D", cluster, "-U", USER, f"--pwfile={pwfile}", *options],
                log=self.log,
                account=account,
            )
            if created.wait(120) != 0:
                raise PostgresFailed(f"initdb failed; the end of {self.log}:\n{self._told(0)[-2000:]}")
            self._create_database(cluster)
        finally:
            pwfile.unlink()

    def _create_database(self, cluster: Path) -> None:
        """By a server without a network: one program, no client needed, before anyone can connect."""
        done = run(
            [postgres_programs() / "postgres", "--single", "-D", cluster, "-c", "fsync=off", "postgres"],
            account=postgres_account(),
            given=f"CREATE DATABASE {DATABASE} STRATEGY FILE_COPY\n",
        )
        if done.returncode != 0 or "ERROR" in done.stderr:
            shutil.rmtree(cluster, ignore_errors=True)
            raise PostgresFailed(f"the database {DATABASE} could not be created: {done.stderr}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = _SETTINGS | (_FAST if self._fast else {})
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return spawn(
            [postgres_programs() / "postgres", "-D", self._home() / "cluster", "-p", str(self.port), *words],
            log=self.log,
            account=postgres_account(),
            death_signal=signal.SIGINT,  # its "fast" shutdown; SIGTERM would wait for every client to leave
        )

    def _ready(self, waiting: Patience) -> bool:
        """As pg_ctl does: the server writes its pid and, in line 8, its state into postmaster.pid."""
        status = self._home() / "cluster" / "postmaster.pid"
        while not waiting.is_out:
            pid = self.pid
            if pid is None:
                return False
            with contextlib.suppress(FileNotFoundError):
                lines = status.read_text().splitlines()
                if len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready":  # noqa: PLR2004 - line 8
                    return True
            time.sleep(0.02)
        return False

    def _told(self, since: int) -> str:
        with self.log.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")
