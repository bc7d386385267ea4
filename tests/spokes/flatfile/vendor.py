"""A vendor that exchanges files: what it puts and takes, and the SFTP server in front of its folder."""

import csv
import io
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "acme", "correct horse"
FAULTS: dict[str, Exception] = {
    "busy": asyncssh.SFTPFailure("try later"),
    "full": asyncssh.SFTPNoSpaceOnFilesystem("no space"),
    "forbidden": asyncssh.SFTPPermissionDenied("not yours"),
}


class Vendor:
    """What a vendor does with its folder by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server: asyncssh.SSHAcceptor | None = None
        self.settings: dict[str, Any] = {"folder": str(root)}
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.faults: deque[str] = deque()
        self.has_posix_rename = True
        self._files = 0

    def put(self, name: str, text: str | bytes) -> None:
        body = text.encode() if isinstance(text, str) else text
        (self.root / "in" / name).write_bytes(body)

    def stock(self, sku: str, units: int) -> None:
        self._files += 1
        self.put(f"stock-{self._files:04}.csv", f"sku,quantity\n{sku},{units}\n")

    def fault(self, kind: str, times: int = 1) -> None:
        """``busy``, ``full`` and ``forbidden`` are answers of the server; ``hangup`` ends the connection."""
        self.faults.extend([kind] * times)

    def names(self, part: str) -> list[str]:
        return sorted(path.name for path in (self.root / part).iterdir())

    def rows(self, part: str, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.root / part / name).read_text(), newline="")))

    def report(self, part: str = "done", which: int = -1) -> list[tuple[str, str, str]]:
        reports = sorted((self.root / part).glob("*.report.csv"), key=lambda path: path.stat().st_mtime_ns)
        return [(row["line"], row["field"], row["problem"]) for row in self.rows(part, reports[which].name)]

    def take(self, part: str = "orders") -> list[dict[str, str]]:
        """Take every file of a part away, and read it."""
        taken: list[dict[str, str]] = []
        for name in self.names(part):
            (self.root / part / name).rename(self.root / name)
            taken += self.rows(".", name)
        return taken


class Served(asyncssh.SFTPServer):
    """The vendor's server: a whole SFTP server in its folder, with faults on demand."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]", vendor: Vendor) -> None:
        super().__init__(chan, chroot=str(vendor.root).encode())
        self._vendor = vendor
        self._connection = chan.get_connection()

    def _strike(self) -> None:
        if not self._vendor.faults:
            return
        fault = self._vendor.faults.popleft()
        if fault == "hangup":
            self._connection.abort()
            raise asyncssh.SFTPConnectionLost("cut")
        raise FAULTS[fault]

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._strike()
        return super().open(path, pflags, attrs)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._strike()
        if not self._vendor.has_posix_rename:
            raise asyncssh.SFTPOpUnsupported("no such extension")
        super().posix_rename(oldpath, newpath)


class Host(asyncssh.SSHServer):
    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._vendor.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@asynccontextmanager
async def a_vendor(root: Path, *, over_sftp: bool = False, client_key: asyncssh.SSHKey | None = None) -> AsyncGenerator[Vendor]:
    """A vendor with a folder, or with a server in front of it; its `settings` are those of the adapter."""
    vendor = Vendor(root)
    root.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    if not over_sftp:
        yield vendor
        return
    host_key = asyncssh.generate_private_key("ssh-ed25519")

    def served(chan: "asyncssh.SSHServerChannel[bytes]") -> Served:
        return Served(chan, vendor)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Host(vendor),
        server_host_keys=[host_key],
        sftp_factory=served,
        authorized_client_keys=asyncssh.import_authorized_keys(client_key.export_public_key().decode()) if client_key else None,
    )
    vendor.server = server
    pinned = host_key.export_public_key().decode().strip()
    its = {"host": "127.0.0.1", "port": server.get_port(), "username": USER, "password": PASSWORD, "host_key": pinned}
    vendor.settings = {"folder": "/", **its}
    try:
        yield vendor
    finally:
        server.close()
        for connection in vendor.connections:
            connection.abort()
        await server.wait_closed()
