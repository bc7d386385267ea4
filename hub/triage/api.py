"""Dead letters over HTTP, for operators: find, understand, mend, give up."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from hub.checkout.timing import Timing
from hub.letters.states import LetterState
from hub.letters.store import Letter
from hub.runtime import audit
from hub.runtime.audit import Act
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_write
from hub.runtime.moments import From, To, moment_of
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.triage import find, note, view
from hub.triage.discard import Discard, discard, restore
from hub.triage.edit import edit
from hub.triage.find import Filter, Group
from hub.triage.plan import Because
from hub.triage.replay import Asked, replay
from hub.triage.versions import version_of
from hub.triage.view import Inspected, LetterView

LetterId = Annotated[str, PathParameter(max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
InState = Annotated[LetterState | None, QueryParameter(name="state")]
Sought = Annotated[str | None, QueryParameter(min_length=1, max_length=200)]


class Grace(msgspec.Struct, frozen=True):
    """How long a discard can be undone, in seconds."""

    seconds: float


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done; it goes into the audit log."""

    reason: Because


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload as it should have been, and why."""

    payload: dict[str, Any]
    reason: Because


class Assign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who looks after it; null for nobody."""

    assignee: Annotated[str, Meta(min_length=1, max_length=100)] | None
    reason: Annotated[str, Meta(max_length=500)] = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody has found out."""

    note: Text


class DeadLetterController(Controller):
    """What was given up on."""

    path = "/v1/admin/dead-letters"
    tags = ["dead letters (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(  # noqa: PLR0913, PLR0917  # one per fact to ask for
        self,
        read: Reading,
        limit: Limit = LIMIT,
        cursor: Cursor = None,
        in_state: InState = None,
        source: Sought = None,
        target: Sought = None,
        kind: Sought = None,
        reason: Sought = None,
        fingerprint: Sought = None,
        order: Sought = None,
        subject: Sought = None,
        step: Sought = None,
        resolution: Sought = None,
        assignee: Sought = None,
        currency: Sought = None,
        at_risk_min: Annotated[int | None, QueryParameter(ge=0, le=10**15, description="in minor units")] = None,
        attempts_min: Annotated[int | None, QueryParameter(ge=0, le=10**6)] = None,
        times_min: Annotated[int | None, QueryParameter(ge=0, le=10**6, description="how often the same has failed")] = None,
        since: From = None,
        until: To = None,
        text: Sought = None,
    ) -> Response[Page[LetterView]]:
        """Dead letters, the newest first; `from` and `to` are about when they last failed."""
        after = position_of(cursor, str)
        asked = Filter(
            state=in_state,
            source=source,
            target=target,
            kind=kind,
            reason=reason,
            fingerprint=fingerprint,
            saga_id=order,
            subject_id=subject,
            step_id=step,
            resolution=resolution,
            attempts_min=attempts_min,
            times_min=times_min,
            assignee=assignee,
            currency=currency,
            at_risk_min=at_risk_min,
            failed_after=moment_of(since, "from"),
            failed_before=moment_of(until, "to"),
            text=text,
        )

        async def found(tx: Tx) -> Page[LetterView]:
            letters = await find.browse(tx, asked, after=after, limit=limit + 1)
            return page([view.shown(letter) for letter in letters], limit, lambda letter: letter.id)

        return await read(found)

    @get("/groups", responses=refuses())
    async def groups(self, read: Reading, target: Sought = None) -> Response[list[Group]]:
        """What failed alike and is not mended: how often, since when, and how much money is at risk."""
        return await read(lambda tx: find.groups(tx, target))

    @get("/{letter_id:str}", responses=refuses(404))
    async def one(self, letter_id: LetterId, read: Reading) -> Response[Inspected]:
        """One dead letter with its order's timeline, every attempt, and what was done with it."""
        return await read(lambda tx: view.inspect(tx, letter_id))

    @post("/{letter_id:str}/replay", status_code=200, responses=refuses_write(404, 412))
    async def replay(
        self, letter_id: LetterId, data: JSONBody[Why], write: Writing, timing: NamedDependency[Timing], if_match: IfMatch = None
    ) -> Response[LetterView]:
        """Send it again: the same command, never a second one."""
        version = version_of(if_match)
        return await write(lambda tx: _shown(replay(tx, timing, letter_id, Asked(why=data.reason, version=version))))

    @post("/{letter_id:str}/edit", status_code=200, responses=refuses_write(404, 412))
    async def edit(self, letter_id: LetterId, data: JSONBody[Edit], write: Writing, if_match: IfMatch = None) -> Response[LetterView]:
        """Mend what it says; it is sent when it is replayed."""
        version = version_of(if_match)
        return await write(lambda tx: _shown(edit(tx, letter_id, data.payload, why=data.reason, version=version)))

    @post("/{letter_id:str}/discard", status_code=200, responses=refuses_write(404, 412))
    async def discard(
        self, letter_id: LetterId, data: JSONBody[Discard], write: Writing, grace: NamedDependency[Grace], if_match: IfMatch = None
    ) -> Response[LetterView]:
        """Give it up, with what makes up for it."""
        version = version_of(if_match)
        return await write(lambda tx: _shown(discard(tx, letter_id, data, version=version, grace=grace.seconds)))

    @post("/{letter_id:str}/restore", status_code=200, responses=refuses_write(404, 412))
    async def restore(self, letter_id: LetterId, data: JSONBody[Why], write: Writing, if_match: IfMatch = None) -> Response[LetterView]:
        """Undo a discard, as long as its compensation has not run."""
        version = version_of(if_match)
        return await write(lambda tx: _shown(restore(tx, letter_id, data.reason, version=version)))

    @post("/{letter_id:str}/assign", status_code=200, responses=refuses_write(404, 412))
    async def assign(self, letter_id: LetterId, data: JSONBody[Assign], write: Writing, if_match: IfMatch = None) -> Response[LetterView]:
        """Say who looks after it."""
        version = version_of(if_match)
        return await write(lambda tx: _shown(note.assign(tx, letter_id, data.assignee, why=data.reason, version=version)))

    @post("/{letter_id:str}/notes", status_code=201, responses=refuses_write(404))
    async def note(self, letter_id: LetterId, data: JSONBody[Note], write: Writing) -> Response[LetterView]:
        """Write down what was found out."""
        return await write(lambda tx: _shown(note.add_note(tx, letter_id, data.note)), status=201)


class AuditController(Controller):
    """Who did what."""

    path = "/v1/admin/audit"
    tags = ["audit"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, subject: Sought = None, who: Sought = None
    ) -> Response[Page[Act]]:
        """Acts, the newest first."""
        after = position_of(cursor, int)

        async def found(tx: Tx) -> Page[Act]:
            acts = await audit.acts(tx, subject_id=subject, who=who, after=after, limit=limit + 1)
            return page(acts, limit, lambda act: act.seq)

        return await read(found)


async def _shown(acted: Any) -> LetterView:
    letter: Letter = await acted
    return view.shown(letter)
