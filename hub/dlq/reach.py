"""Finds the hub that is meant and speaks to it as an operator; its problems become one line, its writes are done once."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import msgspec
from cyclopts import Parameter

from hub.dlq.text import plain
from hub.embedded.folder import Folder

DATA = Path(".wheelwright")
URL = "WHEELWRIGHT_URL"
KEY = "WHEELWRIGHT_OPERATOR_KEY"
TRIES = 3
PAGE_MAX = 100
WAIT_SECONDS = 0.5


def at(*names: str) -> str:
    """The path of something under the dead letters; a name stays a name, whatever is in it."""
    return "/".join(["/v1/admin/dead-letters", *(quote(name, safe="") for name in names)])


class Refused(RuntimeError):
    """The hub said no, or nobody answered; the text says why and names the field."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """Which hub is meant, and how it is told."""

    data: Annotated[Path | None, Parameter(help=f"Folder of the hub that `hub run` runs there; {DATA} if no hub is named.")] = None
    url: Annotated[str | None, Parameter(help=f"A hub elsewhere, else {URL}; its operator's key stands in {KEY}.")] = None
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print what the API answered, as JSON.")] = False


HERE = Where()


class _Keys(msgspec.Struct, frozen=True):
    operator: str


class _Seeded(msgspec.Struct, frozen=True):
    keys: _Keys


def found(where: Where, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The hub's address and the operator's key. The key in a folder goes to that folder's hub, and never to another address.

    Raises `NotRunning`, and `Refused` where there is no key.
    """
    url = where.url or (environ.get(URL) if where.data is None else None)
    if url:
        if not environ.get(KEY):
            raise Refused(f"no key: put an operator's into {KEY}")
        return url, environ[KEY]
    folder = Folder(where.data or DATA)
    running = folder.running()
    if not folder.keys.exists():
        raise Refused(f"no keys in {folder.root}: give the hub's address with --url, and an operator's key in {KEY}")
    return running.url, msgspec.json.decode(folder.keys.read_bytes(), type=_Seeded).keys.operator


@asynccontextmanager
async def calling(where: Where) -> AsyncIterator["Caller"]:
    """Speak to the hub that is meant. Raises `NotRunning` and `Refused`."""
    url, key = found(where)
    try:
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
            yield Caller(http)
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise Refused(f"{url}: {error}") from error


class Caller:
    """An operator at a hub."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, **asked: Any) -> Any:
        """What is there. Raises `Refused`."""
        return await self._ask("GET", path, params={name: value for name, value in asked.items() if value is not None})

    async def pages(self, path: str, most: int, **asked: Any) -> list[Any]:
        """The first `most` of a list, page by page. Raises `Refused`."""
        rows: list[Any] = []
        cursor: str | None = None
        while len(rows) < most:
            page = await self.get(path, limit=min(PAGE_MAX, most - len(rows)), cursor=cursor, **asked)
            rows += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return rows

    async def act(self, path: str, body: Mapping[str, Any], version: int | None = None) -> Any:
        """Have something done, once, however often it has to be asked; only at `version` if one is given. Raises `Refused`."""
        headers = {"Idempotency-Key": secrets.token_hex(16)} | ({} if version is None else {"If-Match": f'"{version}"'})
        return await self._ask("POST", path, json=body, headers=headers)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                answer = await self._http.request(method, path, **more)
            except httpx.TransportError as error:
                if not left or isinstance(error, httpx.UnsupportedProtocol):
                    raise Refused(f"{self._http.base_url} does not answer: {error or type(error).__name__}") from error
                await asyncio.sleep(WAIT_SECONDS)
            else:
                return _read(answer)
        raise AssertionError


class _Problem(msgspec.Struct, frozen=True):
    type: str
    detail: str
    field: str | None = None


def _read(answer: httpx.Response) -> Any:
    try:
        if answer.is_success:
            return msgspec.json.decode(answer.content)
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.MsgspecError:
        raise Refused(f"{answer.status_code} {answer.reason_phrase}, and no answer of a hub: {answer.url}") from None
    where = "" if problem.field is None else f", {problem.field}"
    raise Refused(plain(f"{problem.detail} ({answer.status_code} {problem.type.rpartition('/')[2]}{where})").replace("\n", " "))
