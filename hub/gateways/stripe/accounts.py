"""Vendors' connected accounts at Stripe: opened, onboarded, looked at."""

import stripe

from hub.gateways.stripe.caller import PAGE, Part
from hub.gateways.stripe.outcomes import BURNT
from hub.payments.facts import AccountFacts


class Accounts(Part):
    """The port's methods about accounts."""

    async def open_account(self, key: str, *, vendor: str, name: str, country: str) -> str:
        """An account that may receive transfers once it is onboarded; its losses and fees are the platform's.

        It is paid out by hand, which is ours: the hub decides when a vendor's money goes to its bank.
        """

        async def create(key_: str) -> stripe.Account:
            return await self._v1.accounts.create_async(
                {
                    "country": country,
                    "business_profile": {"name": name},
                    "capabilities": {"transfers": {"requested": True}},
                    "controller": {
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "requirement_collection": "stripe",
                        "stripe_dashboard": {"type": "express"},
                    },
                    "settings": {"payouts": {"schedule": {"interval": "manual"}}},
                    "metadata": {"vendor": vendor, "step": key},
                },
                {"idempotency_key": key_},
            )

        async def look() -> stripe.Account | None:
            return await self._calls.find(key, "open_account", lambda: self._v1.accounts.list_async({"limit": PAGE}))

        return (await self._calls.do("open_account", key, create, look, only_if=BURNT)).id

    async def look_account(self, account: str) -> AccountFacts:
        """It may receive while its transfers capability is active (not ``charges_enabled``: a recipient need not take charges)."""
        found = await self._calls.ask("look_account", lambda: self._v1.accounts.retrieve_async(account))
        wants = found.requirements
        return AccountFacts(
            account=found.id,
            may_receive=found.capabilities is not None and getattr(found.capabilities, "transfers", None) == "active",
            may_pay_out=bool(found.payouts_enabled),
            due=list(wants.currently_due or []) if wants else [],
            reason=(wants.disabled_reason or "") if wants else "",
        )

    async def onboarding_link(self, account: str, *, back: str, again: str) -> str:
        """Good for minutes and for one visit, so it is made when somebody asks for it and kept nowhere."""
        link = await self._calls.ask(
            "onboarding_link",
            lambda: self._v1.account_links.create_async(
                {"account": account, "type": "account_onboarding", "return_url": back, "refresh_url": again}
            ),
        )
        return link.url
