"""The settings of a vendor that exchanges files."""

from pathlib import PurePath
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=86400)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`folder` is a folder of this machine, or with `host` one of an SFTP server.

    `host_key` is the server's public key as in OpenSSH files, and the only one believed. Signed in is with `key_file` (a
    private key) or with `password` (from the environment). `accept` says who answers for an order: the stock table at once,
    or the vendor by a file. `columns` translates a vendor's names of columns.
    `category` is of articles that name none. `poll` is seconds between two looks.
    """

    folder: str
    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 22
    username: str = ""
    password: str = ""
    key_file: str = ""
    host_key: str = ""
    accept: Literal["automatic", "by_file"] = "automatic"
    columns: dict[str, str] = {}
    category: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z")] = "other"
    delimiter: Literal[",", ";", "\t"] = ","
    poll: Seconds = 10.0
    file_bytes_max: Annotated[int, Meta(ge=1, le=64 * 1024 * 1024)] = 8 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse what could never work, before the first order."""
        if not self.folder or (not self.host and not PurePath(self.folder).is_absolute()):
            raise ValueError("folder: without a host it is an absolute path")
        if self.host and not self.host_key:
            raise ValueError("host_key: the server's public key is needed, no other is believed")
        if self.host and not (self.username and (self.password or self.key_file)):
            raise ValueError("username: it is needed, with a password or a key_file")
