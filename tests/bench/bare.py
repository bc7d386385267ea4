"""What the machine would give if the hub's own Python took nothing: what that cannot reach is told from what it has not reached yet.

Its statements and batches are as they are, so that PostgreSQL takes what it takes; fewer rows or better queries give more.
"""

import contextlib
import os
from collections.abc import Generator, Sequence

from hub.embedded.children import Python
from hub.embedded.ports import claim_port
from tests.bench.figures import middle
from tests.bench.ground import Api, Ground, until_answering
from tests.bench.load.work import Work
from tests.bench.rounds import Pair, Run, run

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


def run_at_best(run: Run, requests: int, bare: float) -> float:
    """Journeys a second, where PostgreSQL and the load generator take for each what they took in a run, each of its requests `bare`."""
    return at_best((run.postgres_cores + run.load_cores) / run.per_second, requests * bare)


def ratio_at_best(pairs: Sequence[Pair], script: str, requests: int, bare: float) -> float:
    """The median of the rounds' ratios to pgbench, each of them at best."""
    return middle(pairs, lambda pair: run_at_best(pair.run, requests, bare) / pair.limits[script].per_second)
