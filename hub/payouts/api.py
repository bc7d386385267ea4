"""Payouts over HTTP: vendors see theirs and ask for one, operators see and do the same for any vendor."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from hub.kernel.errors import Refusal
from hub.payouts import send as payout
from hub.payouts import store
from hub.payouts.ask import PayoutWanted
from hub.payouts.desk import PayoutDesk
from hub.payouts.states import PayoutState
from hub.payouts.store import NewPayout
from hub.payouts.view import PayoutView, PayoutWithParts, show
from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

PayoutId = Annotated[str, PathParameter(max_length=64)]
InState = Annotated[PayoutState | None, QueryParameter(name="state", description="only those in this state")]
OfVendor = Annotated[str | None, QueryParameter(name="vendor", max_length=63, description="only this vendor's")]


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done; it goes into the timeline."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class VendorPayoutController(Controller):
    """What goes to the vendor's bank."""

    path = "/v1/vendor/payouts"
    tags = ["money (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None
    ) -> Response[Page[PayoutView]]:
        """The vendor's payouts, newest first."""
        return await read(lambda tx: _browse(tx, tx.actor.id, in_state, limit, cursor))

    @get("/{payout_id:str}", responses=refuses(404))
    async def one(self, payout_id: PayoutId, read: Reading, desk: NamedDependency[PayoutDesk]) -> Response[PayoutWithParts]:
        """One payout, with what it contains as far as the provider tells."""
        whole = await desk.show_whole(payout_id, read.actor.id)
        return await read(lambda _: _given(whole))

    @post("", responses=refuses_write())
    async def ask(self, data: JSONBody[PayoutWanted], write: Writing, desk: NamedDependency[PayoutDesk]) -> Response[PayoutView]:
        """Ask for a payout now: an amount, or all that is available."""
        return await _ask(write, await desk.look(write.actor.id, data))

    @post("/{payout_id:str}/retry", responses=refuses_act(404))
    async def retry(self, payout_id: PayoutId, write: Writing, desk: NamedDependency[PayoutDesk]) -> Response[PayoutView]:
        """Ask again for the money of a failed payout."""
        return await _ask(write, await desk.look_again(payout_id, write.actor.id))

    @post("/{payout_id:str}/cancel", status_code=200, responses=refuses_act(404))
    async def cancel(self, payout_id: PayoutId, write: Writing) -> Response[PayoutView]:
        """Withdraw a payout that was not sent yet."""
        return await write(lambda tx: _cancel(tx, payout_id, vendor=tx.actor.id))


class PayoutController(Controller):
    """What goes to vendors' banks."""

    path = "/v1/admin"
    tags = ["money (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/payouts", responses=refuses())
    async def browse(  # a request's parts, all by name
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None, vendor: OfVendor = None
    ) -> Response[Page[PayoutView]]:
        """Payouts, newest first."""
        return await read(lambda tx: _browse(tx, vendor, in_state, limit, cursor))

    @get("/payouts/{payout_id:str}", responses=refuses(404))
    async def one(self, payout_id: PayoutId, read: Reading, desk: NamedDependency[PayoutDesk]) -> Response[PayoutWithParts]:
        """One payout, with what it contains as far as the provider tells."""
        whole = await desk.show_whole(payout_id)
        return await read(lambda _: _given(whole))

    @post("/vendors/{code:str}/payouts", responses=refuses_write(404))
    async def ask(
        self, code: FromPath[str], data: JSONBody[PayoutWanted], write: Writing, desk: NamedDependency[PayoutDesk]
    ) -> Response[PayoutView]:
        """Ask for a payout of a vendor's money to its bank now."""
        return await _ask(write, await desk.look(code, data))

    @post("/payouts/{payout_id:str}/retry", responses=refuses_act(404))
    async def retry(self, payout_id: PayoutId, write: Writing, desk: NamedDependency[PayoutDesk]) -> Response[PayoutView]:
        """Ask again for the money of a failed payout, before its vendor's bank account has changed."""
        return await _ask(write, await desk.look_again(payout_id))

    @post("/payouts/{payout_id:str}/cancel", status_code=200, responses=refuses_write(404))
    async def cancel(self, payout_id: PayoutId, data: JSONBody[Because], write: Writing) -> Response[PayoutView]:
        """Withdraw a payout that was not sent yet."""
        return await write(lambda tx: _cancel(tx, payout_id, reason=data.reason))


async def _browse(tx: Tx, vendor: str | None, state: PayoutState | None, limit: int, cursor: str | None) -> Page[PayoutView]:
    found = await store.browse(tx, vendor=vendor, state=state, after=position_of(cursor, str), limit=limit + 1)
    return page([show(each) for each in found], limit, lambda each: each.id)


async def _given(whole: PayoutWithParts) -> PayoutWithParts:
    return whole


async def _ask(write: Writing, new: NewPayout | Refusal) -> Response[PayoutView]:
    async def request(tx: Tx) -> PayoutView:
        if isinstance(new, Refusal):
            raise new
        return show(await payout.request(tx, new))

    return await write(request, status=201)


async def _cancel(tx: Tx, payout_id: str, *, vendor: str | None = None, reason: str = "") -> PayoutView:
    return show(await payout.cancel(tx, payout_id, vendor=vendor, reason=reason))
