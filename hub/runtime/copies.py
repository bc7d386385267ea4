"""Owns answers that are the same for everybody: given again from this process's memory for a moment."""

from datetime import timedelta
from hashlib import blake2b
from typing import Any

from cachetools import TTLCache
from litestar import Request
from litestar.config.response_cache import ResponseCacheConfig
from litestar.stores.base import Store
from typing_extensions import override

STORE = "copies"
BYTES_MAX = 32 * 1024 * 1024
BESIDE = 512
"""Bytes that a copy takes besides its text, about."""


class Copies(Store):
    """What the framework keeps of handlers with ``cache=True``; beyond so many bytes what nobody has asked for the longest goes."""

    __slots__ = ("_kept",)

    def __init__(self, seconds: float, bytes_max: int = BYTES_MAX) -> None:
        """Each is given again for so many `seconds`; with 0 none is."""
        self._kept: TTLCache[str, bytes] = TTLCache(bytes_max, seconds, getsizeof=_size)

    @override
    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        """A copy; it gets no younger by being asked for."""
        return self._kept.get(key)

    @override
    async def set(self, key: str, value: str | bytes, expires_in: int | timedelta | None = None) -> None:
        """Keep a copy as long as all others."""
        copy = value.encode() if isinstance(value, str) else value
        if _size(copy) <= self._kept.maxsize:
            self._kept[key] = copy

    async def delete(self, key: str) -> None:
        """Forget one."""
        self._kept.pop(key, None)

    async def delete_all(self) -> None:
        """Forget all."""
        self._kept.clear()

    async def exists(self, key: str) -> bool:
        """Whether there is one."""
        return key in self._kept

    @override
    async def expires_in(self, key: str) -> int | None:
        """Not told."""
        return None


def config() -> ResponseCacheConfig:
    """How the framework keeps them."""
    return ResponseCacheConfig(store=STORE, key_builder=key_of)


def key_of(request: Request[Any, Any, Any]) -> str:
    """Of a request just as it was written, and short however long that is: what is kept of it is to be bounded."""
    return blake2b(b"%b?%b" % (request.scope["raw_path"], request.scope["query_string"])).hexdigest()


def _size(copy: bytes) -> int:
    return len(copy) + BESIDE
