"""Onboarding over HTTP, for operators: whom we invite, and who may sell."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from hub.onboarding import close, give, invite, review, store
from hub.onboarding.close import Closing
from hub.onboarding.model import Approve, Invitation, Invited, NewInvitation, Onboarding, Reject, SendBack
from hub.onboarding.requirements import Requirements
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors.api import Because

InvitationId = Annotated[str, PathParameter(max_length=64)]


def _unseen(invited: Invited) -> Invited:
    return msgspec.structs.replace(invited, token=None)


class InvitationController(Controller):
    """Whom we have invited."""

    path = "/v1/admin/vendor-invitations"
    tags = ["onboarding (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write())
    async def invite(self, data: JSONBody[NewInvitation], write: Writing) -> Response[Invited]:
        """Invite a vendor; its token is shown this once, and to be sent to it by a way of your own."""
        return await write(lambda tx: invite.invite(tx, data), status=201, keep=_unseen)

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[Invitation]]:
        """Invitations, the newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[Invitation]:
            return page(await store.invitations(tx, after=after, limit=limit + 1), limit, lambda invitation: invitation.id)

        return await read(found)

    @post("/{invitation_id:str}/renew", responses=refuses_act(404))
    async def renew(self, invitation_id: InvitationId, write: Writing) -> Response[Invited]:
        """Make another token where the first is lost or expired; the old one ends."""
        return await write(lambda tx: invite.renew(tx, invitation_id), status=201, keep=_unseen)

    @post("/{invitation_id:str}/revoke", status_code=200, responses=refuses_write(404))
    async def revoke(self, invitation_id: InvitationId, data: JSONBody[Because], write: Writing) -> Response[Invitation]:
        """Take an invitation back; the vendor is closed."""
        return await write(lambda tx: invite.revoke(tx, invitation_id, data.reason))


class ReviewController(Controller):
    """How far a vendor is on its way to us, or from us."""

    path = "/v1/admin/vendors/{code:str}"
    tags = ["onboarding (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/onboarding", responses=refuses(404))
    async def one(self, code: FromPath[str], read: Reading, requirements: NamedDependency[Requirements]) -> Response[Onboarding]:
        """What is asked of a vendor, what it has given, and what is missing."""
        return await read(lambda tx: give.look(tx, requirements, code))

    @post("/onboarding/approve", status_code=200, responses=refuses_write(404))
    async def approve(
        self, code: FromPath[str], data: JSONBody[Approve], write: Writing, requirements: NamedDependency[Requirements]
    ) -> Response[Onboarding]:
        """Let a vendor sell."""
        return await write(lambda tx: review.approve(tx, requirements, code, data))

    @post("/onboarding/send-back", status_code=200, responses=refuses_write(404))
    async def send_back(
        self, code: FromPath[str], data: JSONBody[SendBack], write: Writing, requirements: NamedDependency[Requirements]
    ) -> Response[Onboarding]:
        """Have a vendor give some of it anew."""
        return await write(lambda tx: review.send_back(tx, requirements, code, data))

    @post("/onboarding/reject", status_code=200, responses=refuses_write(404))
    async def reject(
        self, code: FromPath[str], data: JSONBody[Reject], write: Writing, requirements: NamedDependency[Requirements]
    ) -> Response[Onboarding]:
        """Do not take a vendor; its keys end."""
        return await write(lambda tx: review.reject(tx, requirements, code, data))

    @get("/closing", responses=refuses(404))
    async def closing(self, code: FromPath[str], read: Reading) -> Response[Closing]:
        """What keeps a vendor from being closed: its open orders, and money that is still on its way."""
        return await read(lambda tx: close.look(tx, code))
