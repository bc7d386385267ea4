"""Onboarding: the address at which a vendor tells the payment provider who it is, asked for while the vendor waits.

This is the only call to a provider that the API makes by itself. It holds no database connection, only a few run at a
time in a process and none for long, so a provider that does not answer costs these requests a 503 and others nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from hub.kernel.errors import Conflict, Unavailable
from hub.kernel.text import END
from hub.payments.ports import GatewayRefused, InDoubt, NotSent, PaymentGateway

log = structlog.get_logger("onboarding")

AT_ONCE = 4
SECONDS_MAX = 8.0
RETRY_SECONDS = 15

Address = Annotated[str, Meta(pattern=r"^https?://[!-~]+" + END, max_length=2048)]


class Onboard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`back` is where the provider leads the vendor when it is done, `again` where it leads when the link has expired."""

    back: Address
    again: Address


class OnboardingLink(msgspec.Struct, frozen=True, kw_only=True):
    """Good for one visit within minutes; ask for another one then."""

    url: str
    made_at: datetime


class Onboarding:
    """The provider as the API needs it; made at the first use, on the loop that uses it."""

    def __init__(self, make: Callable[[], PaymentGateway]) -> None:
        self._make = make
        self._gateway: PaymentGateway | None = None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def link(self, account: str | None, asked: Onboard) -> OnboardingLink:
        """A link for a connected account. Raises `Conflict` (``account_not_opened``, ``onboarding_refused``) and `Unavailable`."""
        if account is None:
            raise Conflict("account_not_opened", "your account with the payment provider is being opened; ask again in a minute")
        if self._room.locked():
            raise Unavailable("provider_unavailable", "the payment provider is slow to answer", retry_after=RETRY_SECONDS)
        async with self._room:
            self._gateway = self._gateway or self._make()
            try:
                async with asyncio.timeout(SECONDS_MAX):
                    url = await self._gateway.onboarding_link(account, back=asked.back, again=asked.again)
            except GatewayRefused as no:
                raise Conflict("onboarding_refused", "the payment provider gives no link", code=no.code) from no
            except (InDoubt, NotSent, TimeoutError) as error:
                log.warning("onboarding.no_link", account=account, error=repr(error))
                detail = "the payment provider does not answer"
                raise Unavailable("provider_unavailable", detail, retry_after=RETRY_SECONDS) from error
        return OnboardingLink(url=url, made_at=datetime.now(UTC))  # noqa: TID251  # the edge is where time enters

    async def close(self) -> None:
        """Let go of the connections."""
        if self._gateway is not None:
            await self._gateway.close()
            self._gateway = None
