"""Notes which vendors ask for what is another's: looked up only where a request was answered with 404 anyway."""

import re
from collections.abc import Iterable
from typing import Any, cast

import structlog
from litestar import Request
from litestar.types import Scope
from sqlalchemy import Select, bindparam, select

from hub.adjustments.tables import adjustments
from hub.catalog.tables import offers
from hub.kernel.errors import NotFound
from hub.letters.tables import dead_letters
from hub.notifications.tables import webhook_deliveries, webhook_endpoints, webhook_replays
from hub.orders.tables import sub_orders
from hub.payouts.tables import payouts
from hub.refunds.tables import refunds
from hub.returns.tables import returns
from hub.runtime import trespass
from hub.runtime.auth import Caller, api_keys
from hub.runtime.database import Actor, Database, IdText, Tx
from hub.transfers.tables import transfers
from hub.vendors.tables import vendor_nkeys

log = structlog.get_logger("fence")

WHAT = "http"
IDS_MAX = 20
TEXT_MAX = 20_000
"""So much of a body is looked at."""

_ID = re.compile(rb"\b(?:[a-z]{2,4}_[0-9a-z]{26}|U[A-Z2-7]{55})\b")
_NAMED = bindparam("named", type_=IdText)

OWNERS: dict[str, Select[Any]] = {
    "adj": select(adjustments.c.vendor).where(adjustments.c.id == _NAMED),
    "dl": select(dead_letters.c.target).where(dead_letters.c.id == _NAMED),
    "key": select(api_keys.c.subject).where(api_keys.c.id == _NAMED, api_keys.c.kind == "vendor"),
    "off": select(offers.c.vendor).where(offers.c.id == _NAMED),
    "pyt": select(payouts.c.vendor).where(payouts.c.id == _NAMED),
    "ref": select(refunds.c.vendor).where(refunds.c.id == _NAMED),
    "ret": select(returns.c.vendor).where(returns.c.id == _NAMED),
    "sub": select(sub_orders.c.vendor).where(sub_orders.c.id == _NAMED),
    "trf": select(transfers.c.vendor).where(transfers.c.id == _NAMED),
    "wep": select(webhook_endpoints.c.vendor).where(webhook_endpoints.c.id == _NAMED),
    "whd": select(webhook_deliveries.c.vendor).where(webhook_deliveries.c.id == _NAMED),
    "whr": select(webhook_replays.c.vendor).where(webhook_replays.c.id == _NAMED),
}
"""Whose a thing is, by the prefix of its id."""
_OF_NKEY = select(vendor_nkeys.c.vendor).where(vendor_nkeys.c.nkey == _NAMED)


class Fence:
    """Called with whatever a handler raised, before that is answered; never raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, error: Exception, scope: Scope) -> None:
        """Keep the attempt if a vendor asked for something that exists and is not its own."""
        caller = cast("dict[str, Any]", scope).get("user")
        if not isinstance(error, NotFound) or not isinstance(caller, Caller) or caller.actor.kind != "vendor":
            return
        try:
            asked = f"{cast('dict[str, Any]', scope)['method']} {scope['path']}"
            named = dict.fromkeys(_ID.findall(scope["path"].encode() + b" " + await _body(scope)))
            await self._note(caller.actor, asked, [each.decode() for each in list(named)[:IDS_MAX]])
        except Exception as trouble:  # noqa: BLE001  # the 404 is the answer, whatever becomes of the note
            log.warning("fence.not_noted", vendor=caller.actor.id, error=repr(trouble))

    async def _note(self, actor: Actor, asked: str, named: Iterable[str]) -> None:
        async with self._database.reading() as tx:
            foreign = [(each, owner) for each in named if (owner := await owner_of(tx, each)) not in {None, actor.id}]
        if foreign:
            latest = f"{asked}: {', '.join(f'{each} of {owner}' for each, owner in foreign)}"
            log.warning("fence.trespass", vendor=actor.id, attempt=latest)
            async with self._database.tx(actor) as tx:
                await trespass.note(tx, actor, WHAT, latest)


async def owner_of(tx: Tx, named: str) -> str | None:
    """The vendor of a thing, by its id or nkey; None if there is no such thing, or it is no vendor's."""
    query = OWNERS.get(named.partition("_")[0]) if "_" in named else _OF_NKEY
    return None if query is None else await tx.scalar(query, {"named": named})


async def _body(scope: Scope) -> bytes:
    """The body, as far as the handler had it read; of others there is nothing to see."""
    try:
        return (await Request[Any, Any, Any](scope).body())[:TEXT_MAX]  # pyright: ignore[reportArgumentType]  # hooks get any scope
    except Exception:  # noqa: BLE001  # it was never read, and now cannot be
        return b""
