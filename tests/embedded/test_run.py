"""`hub run`: everything on one machine, kept alive, ended as a whole however it ends, its data kept."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.folder import Folder, NotRunning, Running
from hub.embedded.nkey import new_seed, public_of

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WHEELWRIGHT")}
READY_SECONDS = 15
COMMAND = [sys.executable, "-m", "hub.cli"]


class Hub:
    """A `hub run` in a process of its own."""

    def __init__(self, folder: Path, *options: str, name: str = "run.out") -> None:
        self.folder = Folder(folder)
        self.output = folder.parent / name
        words = ["run", "--data", str(folder), *([] if "--port" in options else ["--port", "0"]), *options]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*COMMAND, *words],
                env=ENVIRONMENT,
                stdout=output,
                stderr=output,
                preexec_fn=_as_without_nohup,  # noqa: PLW1509 - one system call, no lock
            )

    def ready(self) -> Running:
        until(lambda: self.process.poll() is not None or "Ctrl-C" in self.output.read_text(), 60)
        assert self.process.poll() is None, self.output.read_text()
        return self.folder.running()

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)

    def pid_of(self, word: str) -> int:
        """The child whose command line has `word` in it."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == str(self.process.pid) and any(Path(part.decode()).name == word for part in words):
                return int(entry.name)
        raise LookupError(word)


def _as_without_nohup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def until(done: Callable[[], object], patience: float) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def all_gone(folder: Path) -> bool:
    """Every child holds the folder's lock open: it is free only when the last one has ended."""
    with (folder / "lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def is_healthy(url: str, key: str) -> bool:
    """Whether the hub hears the spoke of the vendor whose key this is."""
    asked = urllib.request.Request(f"{url}/v1/vendor/liveness", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return json.load(answer)["health"] == "up"


@pytest.fixture(scope="module")
def data(scratch: Path) -> Path:
    return scratch / "run"


@pytest.fixture
def hub(data: Path) -> Iterator[Hub]:
    """The same folder each time: a start after the first finds its data."""
    hub = Hub(data)
    yield hub
    if hub.process.poll() is None:
        hub.end(signal.SIGTERM)


async def ask(running: Running, statement: str, **values: object) -> object:
    engine = create_async_engine(running.environment["WHEELWRIGHT__DATABASE__URL"])
    try:
        async with engine.begin() as connection:
            answer = await connection.execute(text(statement), values)
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()


async def test_it_is_ready_in_time_and_says_how_to_use_it(hub: Hub, data: Path):
    begun = time.monotonic()
    running = hub.ready()
    took = time.monotonic() - begun
    assert is_ready(running.url)
    said = hub.output.read_text()
    assert running.url in said
    assert f"{running.url}/schema" in said
    assert "ask.sh" in said
    assert "curl" in (data / "ask.sh").read_text()

    assert "bank_transfer" in fetched(f"{running.url}/v1/payment-methods")
    api_log = hub.folder.logs / "api.log"
    until(lambda: '"webhook.received"' in api_log.read_text(), 20)  # vendors' accounts are opened; the sandbox tells of it
    assert '"webhook.refused"' not in api_log.read_text()

    second = Hub(data, name="second.out")
    assert second.process.wait(30) == 1
    assert f"another hub runs on {data}" in second.output.read_text()

    await ask(running, "CREATE TABLE kept AS SELECT 42 AS n")
    assert hub.end(signal.SIGHUP) == 0  # the terminal was closed
    assert all_gone(data)
    with pytest.raises(NotRunning):
        hub.folder.running()
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))  # others work on this machine too
    assert took < READY_SECONDS * busy


async def test_a_second_start_keeps_its_data_and_whatever_dies_comes_back(hub: Hub, data: Path):
    running = hub.ready()
    assert await ask(running, "SELECT n FROM kept") == 42
    code, key = "late-vendor", public_of(new_seed())
    await ask(
        running,
        "INSERT INTO vendors (code, name, country, nkey_public, embedded_spoke) VALUES (:code, 'Late', 'DE', :key, 'dummy')",
        code=code,
        key=key,
    )
    until((hub.folder.spoke_configs / f"{code}.toml").exists, 5)
    assert f"V_{code}" in (hub.folder.nats / "nats.conf").read_text()

    await ask(
        running,
        "INSERT INTO vendors (code, name, country, embedded_spoke, capabilities)"
        " VALUES ('hal', 'Hal', 'DE', 'hosted', '{stock,orders,shipping}')",
    )
    until((hub.folder.spoke_configs / "hal.toml").exists, 5)
    key = (hub.folder.spoke_seeds / "hal.key").read_text()
    until(lambda: is_healthy(running.url, key), 20)

    for name in ("api", "worker", "spokes", "sandbox", "nats-server", "postgres"):
        before = hub.pid_of(name)
        os.kill(before, signal.SIGKILL)
        until(lambda name=name, before=before: _another(hub, name, before), 10)
    until(lambda: is_ready(running.url), 15)

    hub.process.kill()  # nothing of ours runs any more, the kernel ends the children
    until(lambda: all_gone(data), 15)


def _another(hub: Hub, name: str, before: int) -> bool:
    try:
        return hub.pid_of(name) != before
    except LookupError:
        return False


def test_after_a_kill_the_next_start_works_and_ctrl_c_ends_it(hub: Hub, data: Path):
    hub.ready()
    words = [*COMMAND, "reconcile", "--data", str(data)]
    proved = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    assert proved.returncode == 0, proved.stderr
    assert "equal to the cent" in proved.stdout
    assert hub.end(signal.SIGINT) == 0
    assert all_gone(data)


def test_a_port_in_use_is_named_with_its_option(scratch: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--port", "--pg-port", "--nats-port", "--stripe-port"):
            hub = Hub(scratch / "taken", option, str(port))
            assert hub.process.wait(30) == 1
            assert f"port {port} is in use: stop what listens on it, or choose another with {option}" in hub.output.read_text()
