"""Owns the portable fallback of "a child ends with its parent": a thread that watches who the parent is.

On Linux the kernel does it (see `child`); elsewhere, and for a hub started by `make`, this does.
"""

import os
import signal
import threading
import time
from collections.abc import MutableMapping

VARIABLE = "WHEELWRIGHT_END_WITH_PARENT"
PATIENCE_SECONDS = 10


def end_with_parent(environ: MutableMapping[str, str] = os.environ) -> None:
    """If the environment asks for it, SIGTERM this process once its parent is gone, and end it if that does not."""
    if environ.pop(VARIABLE, "") == "1":
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="parent-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)
