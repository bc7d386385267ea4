"""A vendor's way to us over HTTP: it joins by its invitation, sees what is missing, gives it, and asks for review."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from hub.accounts.onboard import Onboard, OnboardingLink
from hub.accounts.onboard import Onboarding as AtProvider
from hub.onboarding import give
from hub.onboarding.give import ConformanceReport
from hub.onboarding.join import join
from hub.onboarding.model import Acceptance, Agreement, ChannelChoice, Joined, Onboarding, Submit, TaxFacts
from hub.onboarding.requirements import Requirements
from hub.runtime.callers import VENDORS
from hub.runtime.database import Database
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_public, refuses_write
from hub.vendors import accounts

TermsName = Annotated[str, PathParameter(max_length=32)]


def _unseen(joined: Joined) -> Joined:
    return msgspec.structs.replace(joined, api_key=None, nkey_seed=None)


class InvitationAcceptanceController(Controller):
    """Where an invited vendor joins; its invitation is its key."""

    path = "/v1/vendor-invitations"
    tags = ["onboarding (vendors)"]  # noqa: RUF012  # litestar's shape

    @post("/accept", responses=refuses_public(404, 409, 413, 415, 422))
    async def accept(self, data: JSONBody[Acceptance], write: Writing) -> Response[Joined]:
        """Join: the API key and, if we made it, the nkey's seed are shown this once; the spoke can connect within seconds."""
        return await write(lambda tx: join(tx, data), status=201, keep=_unseen)


class VendorOnboardingController(Controller):
    """What a vendor has to show before it sells."""

    path = "/v1/vendor/onboarding"
    tags = ["onboarding (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def mine(self, read: Reading, requirements: NamedDependency[Requirements]) -> Response[Onboarding]:
        """What is asked of you, how each of it stands, and what is missing."""
        return await read(lambda tx: give.look(tx, requirements, read.actor.id))

    @post("", status_code=200, responses=refuses(409, 413, 415))
    async def link(
        self, data: JSONBody[Onboard], read: Reading, database: NamedDependency[Database], onboarding: NamedDependency[AtProvider]
    ) -> OnboardingLink:
        """A link at which you tell the payment provider who you are; nothing is kept, so each asking makes a new one."""
        async with database.reading() as tx:
            account, _ = await accounts.account_of(tx, read.actor.id)
        return await onboarding.link(account, data)

    @put("/terms/{name:str}", responses=refuses_write(404))
    async def agree(
        self, name: TermsName, data: JSONBody[Agreement], write: Writing, requirements: NamedDependency[Requirements]
    ) -> Response[Onboarding]:
        """Agree to terms, in the version in force."""
        return await write(lambda tx: give.agree(tx, requirements, write.actor.id, name, data))

    @put("/tax", responses=refuses_write(404))
    async def tax(self, data: JSONBody[TaxFacts], write: Writing, requirements: NamedDependency[Requirements]) -> Response[Onboarding]:
        """Say who is taxed for what you sell."""
        return await write(lambda tx: give.tell_taxes(tx, requirements, write.actor.id, data))

    @put("/channel", responses=refuses_write(404))
    async def channel(
        self, data: JSONBody[ChannelChoice], write: Writing, requirements: NamedDependency[Requirements]
    ) -> Response[Onboarding]:
        """Say how orders are to reach you."""
        return await write(lambda tx: give.choose_channel(tx, requirements, write.actor.id, data))

    @post("/certificates", responses=refuses_write())
    async def certify(
        self,
        data: JSONBody[ConformanceReport],
        request: Request[Any, Any, Any],
        write: Writing,
        requirements: NamedDependency[Requirements],
    ) -> Response[Onboarding]:
        """Upload the report of the conformance kit on your adapter, as the kit wrote it."""
        raw = await request.body()
        return await write(lambda tx: give.certify(tx, requirements, write.actor.id, data, raw), status=201)

    @post("/submit", status_code=200, responses=refuses_write())
    async def submit(self, data: JSONBody[Submit], write: Writing, requirements: NamedDependency[Requirements]) -> Response[Onboarding]:
        """Ask our operators to look at it; refused while something is missing."""
        return await write(lambda tx: give.submit(tx, requirements, write.actor.id, data))
