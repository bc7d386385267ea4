"""Owns the question which TCP port a local server may take."""

import contextlib
import secrets
import socket

LOOPBACK = "127.0.0.1"


class PortInUse(RuntimeError):
    """Somebody else listens on a port that was asked for by name."""

    def __init__(self, port: int, option: str) -> None:
        super().__init__(f"port {port} is in use: stop what listens on it, or choose another with {option}")
        self.port = port
        self.option = option


OURS = (20_000, 32_000)
"""Below those that systems give to whoever connects (32768 on, RFC 6335 says 49152): a server that dies finds its port free again."""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    for port in secrets.SystemRandom().sample(range(*OURS), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise RuntimeError("no port is free")


def claim_port(port: int, option: str) -> int:
    """`port` if it is free, any free port for 0; PortInUse names `option` otherwise."""
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as taken:
            raise PortInUse(port, option) from taken
    return port
