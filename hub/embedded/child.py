"""Owns the life of one child process: it may not outlive us, whatever ends us."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1

shared: set[int] = set()
"""File descriptors that every child keeps open: a lock among them is free only when the last child is gone."""


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path | None = None,
    account: pwd.struct_passwd | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a process group of its own, as `account` if given, output appended to `log` or inherited.

    On Linux the kernel sends `death_signal` to the child when the *thread* that called this ends, so call it from
    the main thread.
    """
    output = log.open("ab") if log else None
    try:
        return subprocess.Popen(  # noqa: S603 - our own programs, no shell
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            cwd="/" if account else None,
            env=dict(env) if env is not None else None,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=sorted(shared),
            process_group=0,  # Ctrl-C reaches the supervisor alone: it ends its children in order
            preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509 - runs after setuid, which would clear the request
        )
    finally:
        if output:
            output.close()


def run(argv: Sequence[str | Path], *, account: pwd.struct_passwd | None = None, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end as `account` if given, with `given` on its standard input; its exit code is the caller's to read."""
    return subprocess.run(  # noqa: S603 - our own programs, no shell
        [str(word) for word in argv],
        input=given,
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
        cwd="/" if account else None,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def end(process: subprocess.Popen[bytes], *signals: signal.Signals, patience: float = 10.0) -> int:
    """Send the signals in turn, each with `patience` seconds to work, then SIGKILL; returns the exit code."""
    for number in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    return process.wait()


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: the child must not touch locks
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel


class Patience:
    """Runs out when a log has not grown for so many seconds: a server that recovers says so, however long it takes."""

    def __init__(self, log: Path, seconds: float) -> None:
        self._log = log
        self._seconds = seconds
        self._seen = -1
        self._until = 0.0

    @property
    def is_out(self) -> bool:
        """Ask often."""
        size = self._log.stat().st_size if self._log.exists() else 0
        if size != self._seen:
            self._seen, self._until = size, time.monotonic() + self._seconds
        return time.monotonic() > self._until
