"""The payment provider as the API's payouts need it: asked while a vendor waits, by few at a time and for a short time.

No database connection is held meanwhile, so a provider that does not answer costs these requests a 503 and others nothing.
"""

import asyncio
from collections.abc import Callable

import structlog

from hub.kernel.errors import Conflict, Refusal, Unavailable
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent
from hub.payouts import ask as ask_payout
from hub.payouts import store
from hub.payouts.ask import PayoutWanted
from hub.payouts.states import PayoutState
from hub.payouts.store import NewPayout
from hub.payouts.view import PayoutPart, PayoutWithParts, contents, show_with
from hub.runtime.database import Database
from hub.vendors import store as vendors
from hub.vendors.money_terms import Marketplace

log = structlog.get_logger("payouts")

AT_ONCE = 4
SECONDS_MAX = 8.0
RETRY_SECONDS = 15


class PayoutDesk:
    """Looks before a payout is requested, and into one; the gateways are made at the first use, on the loop that uses them."""

    def __init__(self, database: Database, make: Callable[[], Gateways], marketplace: Marketplace) -> None:
        self._database = database
        self._make = make
        self._marketplace = marketplace
        self._gateways: Gateways | None = None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look(self, code: str, wanted: PayoutWanted) -> NewPayout | Refusal:
        """The payout to request, or why not, which is handed back so that a repeated request is answered as the first was.

        Refusals: as `ask_payout.choose` raises, and `NotFound` (``unknown_vendor``), `Unavailable` (``provider_unavailable``).
        """
        try:
            async with self._database.reading() as tx:
                await vendors.get(tx, code)
                terms = (await vendors.terms_of(tx, [code]))[code]
            if self._room.locked():
                raise _unavailable()
            async with self._room, asyncio.timeout(SECONDS_MAX):
                return await ask_payout.choose(self._given(), self._marketplace, terms, wanted)
        except Refusal as refusal:
            return refusal
        except (InDoubt, NotSent, TimeoutError) as error:
            log.warning("payouts.not_asked", vendor=code, error=repr(error))
            return _unavailable()
        except GatewayRefused as no:
            return Conflict("account_not_ready", "the payment provider refuses to speak of the account", reason=no.code)

    async def look_again(self, payout_id: str, vendor: str | None = None) -> NewPayout | Refusal:
        """What to request anew for a failed payout: all that is available in its currency by now.

        Raises `NotFound` (``unknown_payout``) and `Conflict` (``payout_not_failed``).
        """
        async with self._database.reading() as tx:
            failed = await store.get(tx, payout_id, vendor=vendor)
        if failed.state is not PayoutState.FAILED:
            raise Conflict("payout_not_failed", f"it is {failed.state}", state=str(failed.state))
        return await self.look(failed.vendor, PayoutWanted(currency=failed.currency))

    async def show_whole(self, payout_id: str, vendor: str | None = None) -> PayoutWithParts:
        """A payout with what it contains, as far as the provider tells now. Raises `NotFound` (``unknown_payout``)."""
        async with self._database.reading() as tx:
            payout = await store.get(tx, payout_id, vendor=vendor)
            before = await store.before(tx, payout)
        parts: list[PayoutPart] | None = None
        if not self._room.locked():
            try:
                async with self._room, asyncio.timeout(SECONDS_MAX):
                    parts = await contents(self._given(), payout, before)
            except (GatewayRefused, InDoubt, NotSent, TimeoutError) as error:
                log.warning("payouts.not_seen", payout=payout_id, error=repr(error))
        return show_with(payout, parts)

    async def close(self) -> None:
        """Let go of the connections."""
        for gateway in (self._gateways or {}).values():
            await gateway.close()
        self._gateways = None

    def _given(self) -> Gateways:
        if self._gateways is None:
            self._gateways = self._make()
        return self._gateways


def _unavailable() -> Unavailable:
    return Unavailable("provider_unavailable", "the payment provider does not answer", retry_after=RETRY_SECONDS)
