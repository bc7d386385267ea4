"""Owns the portable fallback of "a child ends with its parent": a thread that watches who the parent is.

On Linux the kernel does it (see `child`); elsewhere, and for a hub started by `make`, this does. It watches the terminal
too: where `make` itself leads the session (`ssh -t HOST make run`), a closed terminal tells `make`, which waits for us.
"""

import os
import signal
import threading
import time
from collections.abc import MutableMapping

VARIABLE = "WHEELWRIGHT_END_WITH_PARENT"
PATIENCE_SECONDS = 10


def end_with_parent(environ: MutableMapping[str, str] = os.environ) -> None:
    """If the environment asks for it, SIGTERM this process once its parent or terminal is gone, and end it if that does not."""
    if environ.pop(VARIABLE, "") == "1":
        terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # `nohup` wants it to live on
        threading.Thread(target=_watch, args=(os.getppid(), terminal), daemon=True, name="parent-watch").start()


def _watch(parent: int, terminal: bool) -> None:  # noqa: FBT001 - a thread's argument
    while os.getppid() == parent and (not terminal or _has_terminal()):
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
