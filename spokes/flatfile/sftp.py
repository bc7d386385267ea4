"""An exchange on an SFTP server: its host key pinned, one connection, opened again when it is lost."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncssh
from asyncssh import SFTPClient, SSHClientConnection

from spokes.flatfile.folder import DONE, FAILED, PARTS, WORK, Entry
from spokes.flatfile.settings import Settings
from vendor_sdk.errors import Misconfigured, NeedsReauth, Retry

T = TypeVar("T")
CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 15.0
LOST = (asyncssh.DisconnectError, asyncssh.ChannelOpenError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, OSError)
MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
FORBIDDEN = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect, asyncssh.SFTPNotADirectory)
REPLACED = frozenset({DONE, FAILED, WORK})


class SftpFolder:
    """The folder that the settings name, on its server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.folder.rstrip("/")
        self._connecting = asyncio.Lock()
        self._connection: SSHClientConnection | None = None
        self._client: SFTPClient | None = None

    async def open(self) -> None:
        """Connect, and make the parts that are missing."""
        for part in PARTS:
            await self._do(lambda client, part=part: client.makedirs(self._at(part), exist_ok=True))

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()

    async def entries(self, part: str) -> list[Entry]:
        """The regular files of a part."""
        names = await self._do(lambda client: client.readdir(self._at(part)))
        return [
            Entry(str(each.filename), each.attrs.size or 0, float(each.attrs.mtime or 0))
            for each in names
            if stat.S_ISREG(each.attrs.permissions or 0)
        ]

    async def read(self, path: str, most: int) -> bytes:
        """The first `most` bytes of a file."""

        async def work(client: SFTPClient) -> bytes:
            async with client.open(self._at(path), "rb") as file:
                return await file.read(most)

        return await self._do(work)

    async def write(self, path: str, body: bytes) -> None:
        """Write a whole file anew, synced where the server can."""

        async def work(client: SFTPClient) -> None:
            async with client.open(self._at(path), "wb") as file:
                await file.write(body)
                try:
                    await file.fsync()
                except asyncssh.SFTPOpUnsupported:
                    return

        await self._do(work)

    async def move(self, old: str, new: str) -> None:
        """Move a file in one step; over what is there if the server has that extension (OpenSSH has)."""

        async def work(client: SFTPClient) -> None:
            try:
                await client.posix_rename(self._at(old), self._at(new))
            except asyncssh.SFTPOpUnsupported:
                await self._renamed(client, old, new)

        await self._do(work)

    async def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return await self._do(lambda client: client.exists(self._at(path)))

    async def _renamed(self, client: SFTPClient, old: str, new: str) -> None:
        """Without that extension: what is in the way is removed first where only we write, and never in a part that a vendor takes from."""
        try:
            await client.rename(self._at(old), self._at(new))
        except asyncssh.SFTPError:
            both = await client.exists(self._at(old)) and await client.exists(self._at(new))
            if new.partition("/")[0] not in REPLACED or not both:
                raise
            await client.remove(self._at(new))
            await client.rename(self._at(old), self._at(new))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    async def _do(self, work: Callable[[SFTPClient], Awaitable[T]]) -> T:
        """What `work` does on the connection. A lost one is let go of; the next call opens another."""
        try:
            return await work(await self._connected())
        except MISSING as error:
            raise FileNotFoundError(error.reason) from error
        except FORBIDDEN as error:
            raise Misconfigured(f"{self._settings.host}: {error.reason}") from error
        except asyncssh.PermissionDenied as error:
            raise NeedsReauth(f"{self._settings.host}: {error.reason}") from error
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            raise Misconfigured(f"{self._settings.host}: the host key is not the one in the settings: {error.reason}") from error
        except LOST as error:
            await self.close()
            raise Retry(f"{self._settings.host}: {type(error).__name__}: {error}"[:300]) from error
        except asyncssh.SFTPError as error:
            raise Retry(f"{self._settings.host}: {error.reason}") from error

    async def _connected(self) -> SFTPClient:
        async with self._connecting:
            if self._client is None:
                self._connection = await self._connect()
                self._client = await self._connection.start_sftp_client(
                    path_errors="surrogateescape"
                )  # one odd name must not hide the others
            return self._client

    async def _connect(self) -> SSHClientConnection:
        """Only with what the settings say: no agent, no key and no configuration of whoever runs this process."""
        its = self._settings
        try:
            pinned = asyncssh.import_public_key(its.host_key)
            keys = [asyncssh.import_private_key(Path(its.key_file).read_bytes())] if its.key_file else None  # noqa: ASYNC240 - a few bytes, once for a connection
        except (asyncssh.KeyImportError, OSError) as error:
            raise Misconfigured(f"host_key or key_file: {error}") from error
        return await asyncssh.connect(
            its.host,
            its.port,
            username=its.username,
            password=its.password or None,
            client_keys=keys,
            known_hosts=([pinned], [], []),
            config=None,
            agent_path=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=KEEPALIVE_SECONDS,
        )
