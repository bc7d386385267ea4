"""A server that recovers is waited for as long as it says so."""

import time
from pathlib import Path

from hub.embedded.child import Patience


def test_patience_lasts_as_long_as_the_log_grows_and_then_so_many_seconds(tmp_path: Path):
    log = tmp_path / "log"
    waiting = Patience(log, 0.3)
    began = time.monotonic()
    while time.monotonic() < began + 0.9:
        assert not waiting.is_out
        with log.open("a") as told:
            told.write("recovering\n")
        time.sleep(0.05)
    silent = time.monotonic()
    while not waiting.is_out:
        assert time.monotonic() < silent + 2
        time.sleep(0.02)
    assert time.monotonic() > silent + 0.2


def test_patience_with_a_server_that_writes_nothing_at_all_ends(tmp_path: Path):
    waiting = Patience(tmp_path / "log", 0.1)
    assert not waiting.is_out
    time.sleep(0.15)
    assert waiting.is_out
