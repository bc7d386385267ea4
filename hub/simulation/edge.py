"""How people reach the hub: through whichever API process answers, with the request or its answer lost now and then."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError

from hub.checkout.begin import PlaceOrder
from hub.checkout.placing import Wish
from hub.kernel.errors import Refusal, Unavailable
from hub.runtime import idempotency
from hub.runtime.database import Actor, Tx
from hub.runtime.http import Writer
from hub.simulation.hubs import Hub
from hub.simulation.loop import Nap
from hub.simulation.nature import Nature

FAULTS = {
    "request_lost": "a request never arrives at the API",
    "answer_lost": "the API has answered, and the asker never hears it",
    "asked_twice": "the same request arrives twice at the same time, at any two of the APIs",
}
PATIENCE_SECONDS = 20.0
AGAIN = (0.2, 30.0)
IN_USE = "idempotency_key_in_use"

UseCase = Callable[[Tx], Awaitable[Any]]


class Answer(msgspec.Struct, frozen=True):
    """What the asker knows: ``ok`` with the answer's bytes, ``refused`` with the reason, or ``unknown``."""

    kind: str
    body: bytes = b""
    reason: str = ""


UNKNOWN = Answer("unknown")


class Request(msgspec.Struct, frozen=True):
    """What somebody wants; with a `key` it may be asked again until it is answered."""

    who: Actor
    what: str
    use_case: UseCase | PlaceOrder
    key: str | None = None


class Edge:
    """The way in."""

    def __init__(self, nature: Nature, hubs: Sequence[Hub]) -> None:
        self._nature = nature
        self._hubs = hubs
        self._which = nature.dice("load balancer")
        self.defects: list[str] = []
        """What the hub raised that is no answer."""

    async def ask(self, request: Request, *, tries: int = 1) -> Answer:
        """Ask; where the outcome is unknown ask again under the same key, at most so often."""
        nature = self._nature
        answer = UNKNOWN
        for attempt in range(tries):
            if attempt:
                await nature.wait("asking again", *AGAIN)
            if request.key is not None and nature.strikes("asked_twice"):
                answer, _ = await asyncio.gather(self._once(request), self._once(request))
            else:
                answer = await self._once(request)
            if answer.kind != "unknown":
                break
        if nature.telling:
            nature.tell(f"{request.who} {request.what} ({request.key or 'no key'}): {answer.kind} {answer.reason}")
        return answer

    async def _once(self, request: Request) -> Answer:
        running = [hub for hub in self._hubs if hub.process.alive]
        if not running or self._nature.strikes("request_lost"):
            return UNKNOWN
        hub = running[self._which.randrange(len(running))]
        claim = None
        if request.key is not None:
            claim = (request.key, idempotency.fingerprint("POST", request.what, request.key.encode()))
        writer = Writer(hub.database, request.who, claim)
        wanted = request.use_case
        if isinstance(wanted, PlaceOrder):
            now = self._nature.now()
            task = hub.process.start(writer.together(lambda asker: hub.placing(asker, Wish(wanted, now))))
        else:
            task = hub.process.start(writer(wanted))
        patience = self._nature.nap(PATIENCE_SECONDS)
        task.add_done_callback(partial(self._ended, patience))
        await patience
        if not task.done() or task.cancelled():
            return UNKNOWN
        error = task.exception()
        if error is None:
            return UNKNOWN if self._nature.strikes("answer_lost") else Answer("ok", body=task.result().content)
        if isinstance(error, Refusal) and not isinstance(error, Unavailable) and error.slug != IN_USE:
            return Answer("refused", reason=error.slug)
        return UNKNOWN

    def _ended(self, patience: Nap, task: "asyncio.Task[Any]") -> None:
        """Hear of what went wrong, also where nobody waits for the answer any more."""
        patience.end()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Refusal | DBAPIError | OSError):
            self.defects.append(f"the API raised {error!r}")
