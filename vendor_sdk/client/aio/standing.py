"""How you stand with us, and what your system could not do."""

from collections.abc import AsyncIterator

from vendor_sdk.client.aio.sender import Sender
from vendor_sdk.client.answers import Page
from vendor_sdk.client.answers.standing import (
    Account,
    Letter,
    Liveness,
    OnboardingLink,
    OrderBehind,
    OwnPromises,
    Scorecard,
    Terms,
)
from vendor_sdk.client.call import get, listed, write


class Standing:
    """Promises, scorecard, terms, account, and the health of your spoke."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    async def promises(self) -> OwnPromises:
        """What you promised, and what is in force."""
        return await self._send(get(OwnPromises, "promises"))

    async def scorecard(self, days: int = 30) -> Scorecard:
        """How well you kept it, over 7, 30 or 90 days."""
        return await self._send(get(Scorecard, "scorecard", days=days))

    def behind(self, figure: str, *, days: int = 30, side: str = "of") -> AsyncIterator[OrderBehind]:
        """The orders that a figure counts, newest first: those ``of`` it, or those ``among`` which."""
        return self._send.each(listed(OrderBehind, "scorecard", figure, days=days, side=side, limit=100))

    async def terms(self) -> Terms:
        """Hold, reserve, payouts, disputes: what is in force for you."""
        return await self._send(get(Terms, "terms"))

    async def account(self) -> Account:
        """Your account with the payment provider."""
        return await self._send(get(Account, "account"))

    async def onboarding_link(self, back: str, again: str) -> OnboardingLink:
        """Where you tell the payment provider who you are; it leads `back`, or, having expired, to `again`."""
        return await self._send(write(OnboardingLink, "POST", "onboarding", body={"back": back, "again": again}))

    async def liveness(self) -> Liveness:
        """How your spoke is, as the hub sees it."""
        return await self._send(get(Liveness, "liveness"))


class Letters:
    """What your system could not do."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, state: str | None = None, kind: str | None = None) -> AsyncIterator[Letter]:
        """Each of yours, newest first."""
        return self._send.each(listed(Letter, "dead-letters", state=state, kind=kind, limit=100))

    async def page(self, *, state: str | None = None, kind: str | None = None, limit: int = 20, cursor: str | None = None) -> Page[Letter]:
        """A page of the same."""
        return await self._send(listed(Letter, "dead-letters", state=state, kind=kind, limit=limit, cursor=cursor))

    async def get(self, letter: str) -> Letter:
        """One of them, with every attempt known."""
        return await self._send(get(Letter, "dead-letters", letter))

    async def replay(self, letter: str, reason: str, *, version: int | None = None, key: str | None = None) -> Letter:
        """Have it sent again, once what was wrong is mended. Raises `Conflict` with the current version if it is not at `version`."""
        return await self._send(write(Letter, "POST", "dead-letters", letter, "replay", body={"reason": reason}, key=key, version=version))
