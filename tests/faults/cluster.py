"""Three brokers that are one: every stream is on all of them, and any two go on without the third."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import nats
from nats.errors import Error as NatsError
from nats.js.api import ClusterInfo

from hub.embedded.nats import Nats
from hub.embedded.ports import LOOPBACK, free_port
from tests.faults.market import Market

SIZE = 3
READY_SECONDS = 60.0


class Node(Nats):
    """One of them: the broker's usual configuration, and on the command line what makes it one of several."""

    def __init__(self, data: Path, config_text: str, port: int, name: str, routes: list[str]) -> None:
        super().__init__(data, config_text, port)
        self.name = name
        self._routes = routes

    def _command(self) -> list[str | Path]:
        own = self._routes[int(self.name[-1])]
        cluster = ["--cluster_name", "wheel", "--cluster_listen", own, "--no_advertise", "--routes", ",".join(self._routes)]
        return [*super()._command(), "-n", self.name, *cluster]


class Cluster:
    """The nodes, and who leads them."""

    def __init__(self, folder: Path, config_text: str, hub_seed: str) -> None:
        self._hub_seed = hub_seed
        routes = [f"nats://{LOOPBACK}:{free_port()}" for _ in range(SIZE)]
        self.nodes = [Node(folder / f"nats-{number}", config_text, free_port(), f"node-{number}", routes) for number in range(SIZE)]

    @property
    def url(self) -> str:
        """All addresses, as the settings take them."""
        return ",".join(node.url for node in self.nodes)

    def start(self) -> None:
        """Start those that are down."""
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        """End all."""
        for node in self.nodes:
            node.stop()

    async def leader(self, stream: str, *, absent: int = 0) -> Node:
        """The node that leads a stream; waits until there is one, and all others but `absent` have what it has."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            cluster = await self._state(stream)
            peers = (cluster.replicas if cluster else None) or []
            whole = sum(bool(peer.current) and not peer.offline for peer in peers)
            if cluster and cluster.leader and whole >= SIZE - 1 - absent:
                return next(node for node in self.nodes if node.name == cluster.leader)
            assert time.monotonic() < deadline, f"{stream} has no leader, or not enough copies"
            await asyncio.sleep(0.2)

    async def _state(self, stream: str) -> ClusterInfo | None:
        """What the cluster says of a stream; None while it does not answer."""
        up = [node.url for node in self.nodes if node.running]
        client = await nats.connect(up, nkeys_seed_str=self._hub_seed, allow_reconnect=False)
        try:
            return (await client.jetstream(timeout=2).stream_info(stream)).cluster
        except (NatsError, TimeoutError):
            return None
        finally:
            await client.close()


class ClusterMarket(Market):
    """A market whose broker is a cluster; everybody knows all of its addresses and reaches them directly."""

    def __init__(self, folder: Path, vendors: Mapping[str, str], **settings: str) -> None:
        super().__init__(folder, vendors, **settings)
        self.cluster = Cluster(folder, self.broker_text(), self.hub_seed)
        self._settings |= {"nats__url": self.cluster.url, "nats__replicas": str(SIZE)}

    async def open(self) -> "ClusterMarket":
        """Start the cluster, then everything else."""
        self.cluster.start()
        await super().open()
        return self

    async def close(self) -> None:
        """End everything."""
        await super().close()
        self.cluster.stop()

    def make_broker(self) -> Nats:
        """One of the nodes; nothing goes through it alone."""
        return self.cluster.nodes[0]

    def spokes_url(self) -> str:
        """All nodes."""
        return self.cluster.url
