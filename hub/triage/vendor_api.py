"""Dead letters over HTTP, for vendors: their own, to see and to send again."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from hub.checkout.timing import Timing
from hub.letters import store
from hub.runtime import failures
from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.triage import find, view
from hub.triage.api import InState, Sought, Why
from hub.triage.find import Filter
from hub.triage.replay import Asked, replay
from hub.triage.versions import version_of
from hub.triage.view import VendorLetterView

LetterId = Annotated[str, PathParameter(max_length=64)]


class VendorDeadLetterController(Controller):
    """What a vendor's system could not do."""

    path = "/v1/vendor/dead-letters"
    tags = ["dead letters (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None, kind: Sought = None
    ) -> Response[Page[VendorLetterView]]:
        """The vendor's own, the newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[VendorLetterView]:
            asked = Filter(target=tx.actor.id, state=in_state, kind=kind)
            letters = await find.browse(tx, asked, after=after, limit=limit + 1)
            return page([view.shown_to_vendor(letter, []) for letter in letters], limit, lambda letter: letter.id)

        return await read(found)

    @get("/{letter_id:str}", responses=refuses(404))
    async def one(self, letter_id: LetterId, read: Reading) -> Response[VendorLetterView]:
        """One of them, with every attempt known."""

        async def found(tx: Tx) -> VendorLetterView:
            letter = await store.get(tx, letter_id, target=tx.actor.id)
            attempts = [] if letter.step_id is None else await failures.of_step(tx, letter.step_id)
            return view.shown_to_vendor(letter, attempts)

        return await read(found)

    @post("/{letter_id:str}/replay", status_code=200, responses=refuses_write(404, 412))
    async def replay(
        self, letter_id: LetterId, data: JSONBody[Why], write: Writing, timing: NamedDependency[Timing], if_match: IfMatch = None
    ) -> Response[VendorLetterView]:
        """Have it sent again, once what was wrong is mended."""
        version = version_of(if_match)

        async def use_case(tx: Tx) -> VendorLetterView:
            letter = await replay(tx, timing, letter_id, Asked(why=data.reason, version=version, target=tx.actor.id))
            return view.shown_to_vendor(letter, [])

        return await write(use_case)
