"""What opens doors to a vendor, over HTTP: its keys for the vendor API and its nkeys for the broker; and its vacation."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta

from hub.runtime.callers import OPERATORS, VENDORS, caller_of
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act, refuses_write
from hub.vendors import api_keys, nkeys, store, vacation
from hub.vendors.api import Because
from hub.vendors.api_keys import ApiKeys, MadeApiKey, NewApiKey
from hub.vendors.model import Nkey as NkeyText
from hub.vendors.nkeys import NewNkey, Nkey
from hub.vendors.vacation import NewVacation, Vacation

KeyId = Annotated[str, PathParameter(max_length=64)]
NkeyInPath = Annotated[str, PathParameter(max_length=56)]


class RenewNkey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new nkey's public half, or null for a pair made by us; the present key works for `overlap_seconds` more."""

    nkey_public: NkeyText | None = None
    overlap_seconds: Annotated[int, Meta(ge=0, le=nkeys.OVERLAP_SECONDS_MAX)] = 86_400


class Nkeys(msgspec.Struct, frozen=True, kw_only=True):
    """The nkeys that open the vendor's account on the broker now, the newest first."""

    data: list[Nkey]


def _unseen(made: MadeApiKey) -> MadeApiKey:
    return msgspec.structs.replace(made, api_key=None)


def _unsown(made: NewNkey) -> NewNkey:
    return msgspec.structs.replace(made, seed=None)


class VendorKeyController(Controller):
    """A vendor's own keys."""

    path = "/v1/vendor"
    tags = ["keys (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/keys", responses=refuses())
    async def keys(self, read: Reading) -> Response[ApiKeys]:
        """Your API keys that work now, and when each was last used."""
        return await read(lambda tx: api_keys.browse(tx, read.actor.id))

    @post("/keys", responses=refuses_write(404))
    async def make(self, data: JSONBody[NewApiKey], write: Writing, request: Request[Any, Any, Any]) -> Response[MadeApiKey]:
        """Make an API key, shown this once, that may do no more than yours; the one it replaces works on for a while."""
        caller = caller_of(request)
        scopes = frozenset[str]() if caller is None else caller.scopes
        return await write(lambda tx: api_keys.make(tx, write.actor.id, data, scopes), status=201, keep=_unseen)

    @post("/keys/{key_id:str}/revoke", status_code=200, responses=refuses_act(404))
    async def revoke(self, key_id: KeyId, write: Writing) -> Response[ApiKeys]:
        """End one of your API keys; a process that has just seen it may let it in for a few seconds more."""
        return await write(lambda tx: api_keys.end(tx, write.actor.id, key_id, last_too=False))

    @get("/nkeys", responses=refuses())
    async def nkeys(self, read: Reading) -> Response[Nkeys]:
        """The nkeys by which your spoke signs in at the broker."""
        return await read(lambda tx: _live(tx, read.actor.id))

    @post("/nkeys", responses=refuses_write())
    async def renew(self, data: JSONBody[RenewNkey], write: Writing) -> Response[NewNkey]:
        """Take another nkey; the present one works on for a while, so that your spoke can change over without a gap."""
        return await write(lambda tx: nkeys.renew(tx, write.actor.id, data.nkey_public, data.overlap_seconds), status=201, keep=_unsown)

    @post("/nkeys/{nkey:str}/revoke", status_code=200, responses=refuses_act(404))
    async def revoke_nkey(self, nkey: NkeyInPath, write: Writing) -> Response[Nkeys]:
        """End an nkey now; the broker drops who came in with it within seconds."""
        return await write(lambda tx: _revoked(tx, write.actor.id, nkey, ""))


class VendorVacationController(Controller):
    """When a vendor is away."""

    path = "/v1/vendor/vacation"
    tags = ["offers (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def mine(self, read: Reading) -> Response[Vacation]:
        """Your vacation."""
        return await read(lambda tx: vacation.look(tx, read.actor.id))

    @put("", responses=refuses_write())
    async def leave(self, data: JSONBody[NewVacation], write: Writing) -> Response[Vacation]:
        """Go on vacation: your offers are neither shown nor sold meanwhile, what is ordered goes on; it ends by itself."""
        return await write(lambda tx: vacation.leave(tx, write.actor.id, data))

    @delete("", status_code=200, responses=refuses_act())
    async def come_back(self, write: Writing) -> Response[Vacation]:
        """End your vacation, or call it off."""
        return await write(lambda tx: vacation.come_back(tx, write.actor.id))


class VendorAccessController(Controller):
    """Vendors' keys, for operators."""

    path = "/v1/admin/vendors/{code:str}"
    tags = ["vendors (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/keys", responses=refuses(404))
    async def keys(self, code: FromPath[str], read: Reading) -> Response[ApiKeys]:
        """A vendor's API keys that work now."""
        return await read(lambda tx: api_keys.browse(tx, code))

    @post("/keys", responses=refuses_write(404))
    async def make(self, code: FromPath[str], data: JSONBody[NewApiKey], write: Writing) -> Response[MadeApiKey]:
        """Make an API key for a vendor that has lost its own; shown this once."""
        return await write(lambda tx: api_keys.make(tx, code, data), status=201, keep=_unseen)

    @post("/keys/{key_id:str}/revoke", status_code=200, responses=refuses_act(404))
    async def revoke(self, code: FromPath[str], key_id: KeyId, write: Writing) -> Response[ApiKeys]:
        """End an API key of a vendor, be it the last."""
        return await write(lambda tx: api_keys.end(tx, code, key_id, last_too=True))

    @get("/nkeys", responses=refuses(404))
    async def nkeys(self, code: FromPath[str], read: Reading) -> Response[Nkeys]:
        """The nkeys that open a vendor's account on the broker."""
        return await read(lambda tx: _live(tx, code))

    @post("/nkeys/{nkey:str}/revoke", status_code=200, responses=refuses_write(404))
    async def revoke_nkey(self, code: FromPath[str], nkey: NkeyInPath, data: JSONBody[Because], write: Writing) -> Response[Nkeys]:
        """End an nkey now; the broker drops who came in with it within seconds."""
        return await write(lambda tx: _revoked(tx, code, nkey, data.reason))

    @get("/vacation", responses=refuses(404))
    async def vacation(self, code: FromPath[str], read: Reading) -> Response[Vacation]:
        """A vendor's vacation."""
        return await read(lambda tx: vacation.look(tx, code))


async def _live(tx: Tx, code: str) -> Nkeys:
    await store.get(tx, code)
    return Nkeys(data=await nkeys.live(tx, code))


async def _revoked(tx: Tx, code: str, nkey: str, why: str) -> Nkeys:
    return Nkeys(data=await nkeys.revoke(tx, code, nkey, why))
