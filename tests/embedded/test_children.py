"""Children that die are started again, later each time; none outlives its parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

from hub.embedded.children import Keeper, Python


class Dies:
    """A server that never lives."""

    def __init__(self) -> None:
        self.starts: list[float] = []

    running = False

    def launch(self) -> None:
        self.starts.append(time.monotonic())

    def stop(self) -> None: ...


def test_what_dies_is_started_again_later_each_time():
    server, told = Dies(), list[str]()
    keeper = Keeper("the thing", server, told.append)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        keeper.look()
        time.sleep(0.01)
    assert [line.split(" in ")[1] for line in told] == ["0.2 s", "0.5 s", "1 s", "2 s"]
    waits = [later - earlier for earlier, later in zip(server.starts, server.starts[1:], strict=False)]
    assert 0.4 < waits[0] < 0.8
    assert 0.9 < waits[1] < 1.5


def test_a_start_that_fails_is_told_and_counted():
    class Broken(Dies):
        def launch(self) -> None:
            raise OSError("no more processes")

    told: list[str] = []
    keeper = Keeper("the thing", Broken(), told.append)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        keeper.look()
        time.sleep(0.01)
    assert "the thing did not start: no more processes" in told
    assert keeper.deaths == 2


def test_a_child_ends_with_a_killed_parent(tmp_path: Path):
    code = (
        "import os, sys, time; from pathlib import Path; from hub.embedded.children import Python;"
        f"child = Python('http.server', ['0', '--bind', '127.0.0.1'], env=os.environ, log=Path({str(tmp_path / 'log')!r})); child.launch();"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert _lives(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 5
    while _lives(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    """Whether it runs; one that has ended but whom nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_watch_on_the_parent_works_without_the_kernels_help():
    code = "from hub.embedded.lineage import end_with_parent; import time; end_with_parent(); print('up', flush=True); time.sleep(60)"
    middle = (
        f"import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', {code!r}]); print(c.pid, flush=True); time.sleep(60)"
    )
    environment = os.environ | {"WHEELWRIGHT_END_WITH_PARENT": "1"}
    parent = subprocess.Popen([sys.executable, "-c", middle], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert parent.stdout.readline() == "up\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 5
    while _lives(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_closed_terminal_ends_a_hub_whose_make_leads_the_session():
    """The kernel tells the session's leader alone; make waits for its child before it ends."""
    code = "from hub.embedded.lineage import end_with_parent; import time; end_with_parent(); print('up', flush=True); time.sleep(60)"
    leader = (
        "import os, signal, subprocess, sys; os.login_tty(int(sys.argv[1])); signal.signal(signal.SIGHUP, lambda *_: None); "
        f"c = subprocess.Popen([sys.executable, '-c', {code!r}]); print(c.pid, flush=True); c.wait()"
    )
    master, slave = os.openpty()
    environment = os.environ | {"WHEELWRIGHT_END_WITH_PARENT": "1"}
    parent = subprocess.Popen([sys.executable, "-c", leader, str(slave)], pass_fds=[slave], start_new_session=True, env=environment)
    os.close(slave)
    with os.fdopen(master) as terminal:
        child = int(terminal.readline())
        assert terminal.readline() == "up\n"
    parent.wait(10)
    assert not _lives(child)


def test_the_exit_code_of_a_command_is_told(tmp_path: Path):
    child = Python("this_module_does_not_exist", [], env=os.environ, log=tmp_path / "log")
    child.launch()
    until = time.monotonic() + 10
    while child.running:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert child.exit_code() == 1
    assert "No module named" in child.log.read_text()
