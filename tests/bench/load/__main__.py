"""The process: `python -m tests.bench.load WORK HEARD` reads what to do from one file and leaves what was heard in the other."""

import gc
import sys
from pathlib import Path

import msgspec
import uvloop

from tests.bench.load.drive import Load
from tests.bench.load.work import Heard, Work


async def _run(work: Work) -> Heard:
    return await Load(work).run()


if __name__ == "__main__":
    told, heard = map(Path, sys.argv[1:])
    work = msgspec.msgpack.decode(told.read_bytes(), type=Work)
    gc.freeze()
    gc.disable()  # a pause here would count as the server's
    heard.write_bytes(msgspec.msgpack.encode(uvloop.run(_run(work))))
