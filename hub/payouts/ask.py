"""A vendor or an operator asks for a payout now: what the provider says of the account, before anything is written."""

import msgspec

from hub.kernel.errors import Conflict, Invalid
from hub.kernel.money import Currency, Money
from hub.payments.facts import Funds
from hub.payments.ports import Gateways
from hub.payouts.plan import paying
from hub.payouts.store import NewPayout
from hub.vendors.model import Terms
from hub.vendors.money_terms import Marketplace


class PayoutWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be paid out: `amount`, or all that is available in `currency` (null: the hub's); not both."""

    amount: Money | None = None
    currency: Currency | None = None


async def choose(gateways: Gateways, marketplace: Marketplace, terms: Terms, wanted: PayoutWanted) -> NewPayout:
    """The payout to request, by what the provider says of the vendor's account now.

    Raises `Invalid` (``amount_or_currency``), `Conflict` (``account_not_ready``, ``nothing_available``,
    ``more_than_available``, ``below_minimum``) and what the gateway raises.
    """
    if wanted.amount is not None and wanted.currency is not None:
        raise Invalid("amount_or_currency", "an amount has its currency", field="/currency")
    gateway, account = paying(gateways), terms.connected_account
    if gateway is None or account is None:
        raise Conflict("account_not_ready", f"{terms.code} has no account at a provider that pays out")
    facts = await gateway.look_account(account)
    if not facts.may_pay_out:
        raise Conflict("account_not_ready", facts.reason or "the provider still wants to know something", due=facts.due)
    currency = wanted.amount.currency if wanted.amount is not None else wanted.currency or marketplace.currency
    there = (await gateway.funds(account)).get(currency, Funds(available=0, pending=0))
    if there.available <= 0:
        raise Conflict("nothing_available", f"nothing is available in {currency} now", currency=currency, pending=there.pending)
    amount = there.available if wanted.amount is None else wanted.amount.amount
    least = marketplace.minimum(terms, currency)
    if amount < least:
        raise Conflict("below_minimum", f"a payout in {currency} is at least {least} minor units", minimum=least, amount=amount)
    if amount > there.available:
        raise Conflict("more_than_available", f"{there.available} minor units of {currency} are available", available=there.available)
    return NewPayout(vendor=terms.code, gateway=gateway.name, account=account, amount=amount, currency=currency)
