"""The simulated provider's post: its webhooks, which get lost, come late or twice; and its clock, which goes on when nobody asks."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

from hub.payments.facts import ProviderEvent
from hub.runtime.database import Actor, Tx
from hub.simulation.alarm import Alarm
from hub.simulation.edge import Edge, Request
from hub.simulation.nature import Nature
from hub.simulation.provider import Provider
from hub.webhooks import store
from hub.worker.notices import hint_of

FAULTS = {
    "webhook_lost": "a webhook never arrives",
    "webhook_twice": "a webhook arrives twice",
    "webhook_late": "a webhook arrives minutes to a day late",
}
PROVIDER = Actor("hub", "webhooks")
SOON = (0.05, 2.0)
LATE = (60.0, 86_400.0)
TRIES = 3


class TellingProvider(Provider):
    """A provider that tells of its events and lets what is due happen at its time."""

    def __init__(self, nature: Nature) -> None:
        self.told: Callable[[ProviderEvent], None] = lambda _: None
        self.silent_since = 0.0
        """The unix second of its last event."""
        self._alarm = Alarm(lambda _: self.arrive())
        super().__init__(nature)

    def announce(self, kind: str, subject: str, account: str | None = None, *, of: str = "") -> None:
        """As ever, and by post."""
        super().announce(kind, subject, account, of=of)
        self.silent_since = self.now
        self.told(self._events[account is not None][-1])

    def plan(self, seconds: float, act: Callable[..., object], *args: Any) -> None:
        """As ever; `arrive` is called at its time."""
        super().plan(seconds, act, *args)
        self._alarm.at(self._moment + seconds)


class Post:
    """Brings webhooks to the hub. Only those that say something to it: an endpoint is asked to name the kinds it wants."""

    def __init__(self, nature: Nature, edge: Edge) -> None:
        self._nature = nature
        self._edge = edge
        self._tasks: dict[asyncio.Task[None], None] = {}

    def take(self, event: ProviderEvent) -> None:
        """An event happened at the provider."""
        if hint_of("stripe", event.kind, event.subject, event.account) is None or self._nature.strikes("webhook_lost"):
            return
        for _ in range(2 if self._nature.strikes("webhook_twice") else 1):
            when = LATE if self._nature.strikes("webhook_late") else SOON
            # Whoever asked the provider may die: its post is on its way all the same.
            task = Context().run(asyncio.get_running_loop().create_task, self._bring(event, self._nature.seconds("post", *when)))
            self._tasks[task] = None
            task.add_done_callback(self._tasks.pop)

    async def _bring(self, event: ProviderEvent, seconds: float) -> None:
        await self._nature.sleep(seconds)

        async def use_case(tx: Tx) -> bool:
            return await store.keep(tx, event, gateway="stripe", endpoint="stripe", raw=b"", headers={})

        await self._edge.ask(Request(PROVIDER, f"webhook {event.kind} {event.subject}", use_case), tries=TRIES)
