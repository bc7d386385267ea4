"""How you stand with us, and what your system could not do."""

from collections.abc import Iterator

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
from vendor_sdk.client.sync.sender import Sender


class Standing:
    """Promises, scorecard, terms, account, and the health of your spoke."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def promises(self) -> OwnPromises:
        """What you promised, and what is in force."""
        return self._send(get(OwnPromises, "promises"))

    def scorecard(self, days: int = 30) -> Scorecard:
        """How well you kept it, over 7, 30 or 90 days."""
        return self._send(get(Scorecard, "scorecard", days=days))

    def behind(self, figure: str, *, days: int = 30, side: str = "of") -> Iterator[OrderBehind]:
        """The orders that a figure counts, newest first: those ``of`` it, or those ``among`` which."""
        return self._send.each(listed(OrderBehind, "scorecard", figure, days=days, side=side, limit=100))

    def terms(self) -> Terms:
        """Hold, reserve, payouts, disputes: what is in force for you."""
        return self._send(get(Terms, "terms"))

    def account(self) -> Account:
        """Your account with the payment provider."""
        return self._send(get(Account, "account"))

    def onboarding_link(self, back: str, again: str) -> OnboardingLink:
        """Where you tell the payment provider who you are; it leads `back`, or, having expired, to `again`."""
        return self._send(write(OnboardingLink, "POST", "onboarding", body={"back": back, "again": again}))

    def liveness(self) -> Liveness:
        """How your spoke is, as the hub sees it."""
        return self._send(get(Liveness, "liveness"))


class Letters:
    """What your system could not do."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, state: str | None = None, kind: str | None = None) -> Iterator[Letter]:
        """Each of yours, newest first."""
        return self._send.each(listed(Letter, "dead-letters", state=state, kind=kind, limit=100))

    def page(self, *, state: str | None = None, kind: str | None = None, limit: int = 20, cursor: str | None = None) -> Page[Letter]:
        """A page of the same."""
        return self._send(listed(Letter, "dead-letters", state=state, kind=kind, limit=limit, cursor=cursor))

    def get(self, letter: str) -> Letter:
        """One of them, with every attempt known."""
        return self._send(get(Letter, "dead-letters", letter))

    def replay(self, letter: str, reason: str, *, version: int | None = None, key: str | None = None) -> Letter:
        """Have it sent again, once what was wrong is mended. Raises `Conflict` with the current version if it is not at `version`."""
        return self._send(write(Letter, "POST", "dead-letters", letter, "replay", body={"reason": reason}, key=key, version=version))
