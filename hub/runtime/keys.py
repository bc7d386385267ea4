"""Owns the end of an API key, over HTTP, for operators."""

import msgspec
from litestar import Controller, Response, post
from litestar.params import FromPath

from hub.kernel.errors import NotFound
from hub.runtime import auth
from hub.runtime.callers import OPERATORS, REMEMBER_SECONDS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Writing, refuses_act


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """The key is ended; a process that has just seen it may let it in for `within_seconds` more."""

    id: str
    within_seconds: float = REMEMBER_SECONDS


class KeyController(Controller):
    """API keys."""

    path = "/v1/admin/keys"
    tags = ["keys (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("/{key_id:str}/revoke", status_code=200, responses=refuses_act(404))
    async def revoke(self, key_id: FromPath[str], write: Writing) -> Response[Revoked]:
        """End a key."""

        async def end(tx: Tx) -> Revoked:
            if not await auth.revoke(tx, key_id):
                raise NotFound("unknown_key", f"no key {key_id}, or it has ended")
            return Revoked(id=key_id)

        return await write(end)
