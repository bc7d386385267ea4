"""Owns the question which TCP port a local server may take."""

import socket

LOOPBACK = "127.0.0.1"


class PortInUse(RuntimeError):
    """Somebody else listens on a port that was asked for by name."""

    def __init__(self, port: int, option: str) -> None:
        super().__init__(f"port {port} is in use: stop what listens on it, or choose another with {option}")
        self.port = port
        self.option = option


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
