"""What the machine would give if the hub's own code took nothing: what cannot be met is told from what is not met yet."""

import contextlib
import os
from collections.abc import Generator

from hub.embedded.children import Python
from hub.embedded.ports import claim_port
from tests.bench.ground import Api, Ground, until_answering
from tests.bench.load.work import Work
from tests.bench.rounds import Beside, run

ASKERS = 32


@contextlib.contextmanager
def trivial(ground: Ground) -> Generator[Api]:
    """The trivial handler, on the server stack of the hub's API."""
    port = claim_port(0, "--port")
    process = Python("tests.bench.trivial", [str(port)], env=os.environ, log=ground.folder / "trivial.log")
    process.launch()
    try:
        assert process.pid is not None, "it was started just now"
        until_answering(f"http://127.0.0.1:{port}/")
        yield Api((port,), (process.pid,))
    finally:
        process.stop()


async def request_seconds(ground: Ground) -> float:
    """What such a handler takes of a core to answer one request."""
    with trivial(ground) as api:
        work = Work(ports=api.ports, connections=ASKERS, journey="look", given=["/"], seconds=ground.pace.seconds, again=True)
        await run(ground, api, work)  # it is warm then
        bare = await run(ground, api, work)
    return bare.api_cores / bare.per_second


def at_best(*seconds: float) -> float:
    """So many a second all cores give of what takes these seconds of one core each."""
    return (os.cpu_count() or 1) / sum(seconds)


def ratio_at_best(figures: Beside, requests: int, bare: float) -> float:
    """The highest ratio to pgbench that there could be.

    PostgreSQL and the load generator take for each journey what they took, each of its requests what the trivial handler takes.
    """
    others = (figures.postgres_cores + figures.load_cores) / figures.per_second
    return at_best(others, requests * bare) / figures.limit_per_second
