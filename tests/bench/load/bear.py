"""Starts the load generator and waits for what it heard."""

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.bench.load.work import Heard, Work


class LoadFailed(RuntimeError):
    """The generator ended with an error: a wrong answer, or none."""


async def bear(work: Work) -> Heard:
    """Raises `LoadFailed`."""
    with tempfile.TemporaryDirectory(prefix="ww-load-") as folder:
        told, heard = Path(folder) / "work", Path(folder) / "heard"
        told.write_bytes(msgspec.msgpack.encode(work))
        words = [sys.executable, "-m", "tests.bench.load", str(told), str(heard)]
        process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        if process.returncode:
            raise LoadFailed(said.decode(errors="replace")[-2000:])
        return msgspec.msgpack.decode(heard.read_bytes(), type=Heard)
