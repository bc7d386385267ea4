"""Who is there when a simulated world begins: vendors with their terms and offers, customers, and the rules of the house."""

from random import Random
from typing import Any

import msgspec

from hub.adjustments.rules import adjustment_rules_from
from hub.cart.rules import CartRules
from hub.catalog.model import Described, OfferOfSku
from hub.checkout.timing import Timing
from hub.customers.register import NewCustomer, register
from hub.inventory.offers import put_many
from hub.kernel.money import Money
from hub.pricing.commission import commission_from
from hub.pricing.promotions import promotions_from
from hub.pricing.tax import rates_from
from hub.promises.change_promises import change_promises
from hub.runtime.database import Actor, Database
from hub.runtime.nkeys import public_of, seed_of
from hub.sections import Settings
from hub.settings import load_settings
from hub.simulation.promised import fines_in, promised_by
from hub.vendors.admit import admit
from hub.vendors.change_terms import change_terms
from hub.vendors.model import Capability, NewVendor, ShippingOption
from hub.vendors.money_terms import TermsChange
from hub.wiring import timing

CURRENCIES = ("EUR", "USD", "JPY", "GBP")
PRICES = (333, 990, 1250, 2499, 7001)
SCARCE, PLENTY = (1, 25), 100_000
CUSTOMERS = 5
DAY = 86_400

SPOKES: dict[str, list[Capability]] = {
    "acme": ["stock", "orders", "shipping", "returns"],
    "bolt": ["stock", "orders", "shipping"],
    "cedar": ["orders", "shipping"],
    "dune": ["stock", "orders", "shipping", "returns"],
    "elm": [],
    "fir": [],
}
"""Vendors and what their spokes can; those without one work by hand."""

NEIGHBORS = {"acme": "bolt", "bolt": "cedar", "cedar": "dune", "dune": "acme", "elm": "acme", "fir": "elm"}
"""Who also offers what another offers, at a price of its own: to them goes what the other does not deliver."""

TERMS: dict[str, dict[str, Any]] = {
    "acme": {},
    "bolt": {"reserve_bps": 1000, "payout_minimum": 100},
    "cedar": {"hold_seconds": 0, "payout_interval": "weekly"},
    "dune": {"bears_disputes": False, "reserve_bps": 500, "hold_seconds": 3600},
    "elm": {"hold_seconds": DAY // 2},
    "fir": {"payout_interval": "manual"},
}

SET = {
    "HTTP__PORT": "0",
    "ORDERS__ACCEPTANCE_SECONDS": str(DAY),
    "ORDERS__SHIP_SECONDS": str(12 * DAY),
    "ORDERS__DELIVERY_SECONDS": str(12 * DAY),
    "ORDERS__HOLD_SECONDS": str(2 * DAY),
    "RETURNS__WINDOW_SECONDS": str(6 * DAY),
    "RETURNS__AUTHORIZATION_SECONDS": str(DAY),
    "RETURNS__RECEPTION_SECONDS": str(7 * DAY),
    "ORDERS__WHEN_VENDOR_IS_DOWN": "sell",
    "ORDERS__ASK_AGAIN_SECONDS": str(DAY // 2),
    "MONEY__RESERVE_SECONDS": str(3 * DAY),
    "MONEY__DISPUTE_FEE": "vendor",
    "WORKER__POLL_SECONDS": str(2 * 3600),
}
"""What is set otherwise than in production: lives that end within weeks, and no polling of what an alarm tells."""
SETTLING_SECONDS = 3 * 3600.0
"""How long after a provider's "pending" it is asked again, should its event be lost: refunds pend for days."""


class Rules(msgspec.Struct, frozen=True):
    """What the marketplace sells by."""

    settings: Settings
    timing: Timing
    cart: CartRules
    coupons: list[str]


class Market(msgspec.Struct, frozen=True):
    """Who and what is there."""

    rules: Rules
    currency: str
    customers: list[str]
    offers: dict[str, list[tuple[str, str]]]
    """(offer id, SKU) by vendor: first those that buyers choose from, then those of what its neighbor offers."""


_SETTINGS: dict[str, Settings] = {}


def rules_of(currency: str) -> Rules:
    """The rules of a world in one currency."""
    if currency not in _SETTINGS:
        chosen = {"WHEELWRIGHT__" + name: value for name, value in (SET | {"ORDERS__CURRENCY": currency}).items()}
        _SETTINGS[currency] = load_settings(None, chosen)
    settings = _SETTINGS[currency]
    fines = adjustment_rules_from({"rules": fines_in(currency)})
    commission = commission_from({"rules": _commission(currency), "tax": {"default_bps": 1900}})
    chosen_timing = msgspec.structs.replace(timing(settings), settling=SETTLING_SECONDS, adjustments=tuple(fines), commission=commission)
    promotions = promotions_from({"promotions": _promotions(currency)})
    o = settings.orders
    cart = CartRules(
        currency=currency,
        lines_max=o.lines_max,
        quantity_max=o.quantity_max,
        quote_seconds=o.quote_ttl_seconds,
        rates=rates_from({"default_bps": 0, "countries": {"DE": 1900}}),
        promotions=promotions,
        watch=chosen_timing.watch,
    )
    return Rules(settings, chosen_timing, cart, [each["code"] for each in _promotions(currency)])


def _commission(currency: str) -> list[dict[str, Any]]:
    card = {"name": "card", "group": "payment fee", "bps": 140, "fixed": {currency: 31}, "per": "part", "of": "both", "on_refund": "keep"}
    listing = {"name": "listing", "group": "listing fee", "bps": 75, "per": "unit", "max": {currency: 99}, "tax_bps": 700}
    return [{"name": "standard", "bps": 1500}, card, listing]


def _promotions(currency: str) -> list[dict[str, Any]]:
    return [
        {"code": "OURS", "name": "Ours", "fixed": {currency: 300}, "borne_by": "platform", "uses": 50},
        {"code": "SHARED", "name": "Shared", "bps": 770, "borne_by": "shared", "platform_bps": 3300},
        {"code": "THEIRS", "name": "Theirs", "bps": 1000, "vendors": ["acme", "dune", "elm"], "borne_by": "vendor"},
        {"code": "FREESHIP", "name": "Free shipping", "bps": 10000, "on": "shipping", "borne_by": "platform", "uses_per_customer": 40},
    ]


async def open_market(database: Database, rules: Rules, dice: Random, currency: str) -> Market:
    """Admit the vendors, put their offers, register the customers."""
    offers: dict[str, list[tuple[str, str]]] = {}
    variants: dict[str, list[str]] = {}
    options = [
        ShippingOption(code=code, name=code, price=Money(amount=price, currency=currency), days=days)
        for code, price, days in (("post", 490, 3), ("express", 1290, 1))
    ]
    for code, capabilities in SPOKES.items():
        nkey = public_of(seed_of(code.encode().ljust(32))) if capabilities else None
        new = NewVendor(code=code, name=code.title(), country="DE", capabilities=capabilities, nkey_public=nkey, shipping_options=options)
        async with database.tx() as tx:
            await admit(tx, new)
            await change_terms(tx, rules.timing.marketplace, code, TermsChange(reason="simulated", **TERMS[code]), None)
            await change_promises(tx, rules.timing.promises, code, promised_by(code), None)
        wanted = [
            OfferOfSku(
                sku=f"{code}-{price}",
                price=Money(amount=price, currency=currency),
                stock=dice.randint(*SCARCE) if dice.random() < 0.1 else PLENTY,  # noqa: PLR2004  # one in ten
                shipping_price=Money(amount=dice.choice((0, 110)), currency=currency),
                product=Described(title=f"{code} {price}", category="goods"),
            )
            for price in PRICES
        ]
        async with database.tx(Actor("vendor", code)) as tx:
            put = await put_many(tx, code, wanted)
        offers[code] = [(offer.id, offer.sku) for offer in put.data]
        variants[code] = [offer.variant_id for offer in put.data]
    for code, of in NEIGHBORS.items():
        async with database.tx(Actor("vendor", code)) as tx:
            put = await put_many(
                tx, code, [_same(dice, currency, code, variant, price) for variant, price in zip(variants[of], PRICES, strict=True)]
            )
        offers[code] += [(offer.id, offer.sku) for offer in put.data]
    customers: list[str] = []
    for number in range(CUSTOMERS):
        async with database.tx() as tx:
            made = await register(tx, NewCustomer(name=f"Buyer {number}", email=f"buyer{number}@example.com"))
        customers.append(made.customer.id)
    return Market(rules, currency, customers, offers)


def _same(dice: Random, currency: str, code: str, variant: str, price: int) -> OfferOfSku:
    """An offer of a neighbor's variant: cheaper, or dearer by more or less than we bear."""
    return OfferOfSku(
        sku=f"{code}-also-{price}",
        price=Money(amount=max(1, price * dice.choice((90, 100, 104, 115)) // 100), currency=currency),
        stock=dice.choice((3, PLENTY)),
        shipping_price=Money(amount=dice.choice((0, 60)), currency=currency),
        variant_id=variant,
    )
