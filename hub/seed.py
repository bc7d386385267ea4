"""Fills a marketplace with the sample vendors and offers of `config/sample.toml` and hands out keys; safe to run again."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.catalog.model import Described, OfferOfSku
from hub.customers.register import NewCustomer, register
from hub.embedded.folder import SAMPLE_STOCK, Folder, write_private
from hub.embedded.nkey import new_seed, public_of
from hub.inventory import offers
from hub.inventory.offers import VendorOffer
from hub.kernel.money import Money
from hub.runtime import auth
from hub.runtime.database import Actor, Database, Tx
from hub.sections import Settings, StripeSettings
from hub.settings import CONFIG
from hub.vendors import admit, store
from hub.vendors.model import Capability, ConfigValue, NewVendor, ShippingOption

OPERATOR = Actor("operator", "sample-operator")
BUYER = NewCustomer(name="Sample Buyer", email="buyer@example.com")
DUMMY, HOSTED, FLATFILE = "dummy", "hosted", "flatfile"


class SampleOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to ship; `price` in minor units."""

    code: str
    name: str
    price: int
    days: int


class SampleVendor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vendor."""

    name: str
    country: str
    adapter: str
    capabilities: list[Capability]
    shipping: list[SampleOption]
    spoke: dict[str, ConfigValue] = {}


class SampleProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product and its price at each vendor, the describing one first."""

    title: str
    description: str
    category: str
    offers: Annotated[dict[str, int], Meta(min_length=1)]

    @property
    def describer(self) -> str:
        """The vendor whose words these are."""
        return next(iter(self.offers))

    @property
    def sku(self) -> str:
        """The title as a SKU."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    currency: str
    stock: int
    hold_seconds: int
    pace: dict[str, float]
    vendors: dict[str, SampleVendor]
    products: list[SampleProduct]


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys handed out."""

    customer: str = ""
    operator: str = ""
    vendors: dict[str, str] = {}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is left in `keys.json` for people, `hub run` and `hub demo`.

    `shell` is what a shell needs to know to ask as anybody, `commands` the buyer's way; `{url}` and `{folder}` stand for where the
    hub is.
    """

    keys: Keys = Keys()
    examples: dict[str, list[str]] = {}
    shell: list[str] = []
    commands: list[str] = []


async def seed(settings: Settings, data_dir: Path) -> None:
    """Put in what is not there yet; keys that still work are kept."""
    sample = msgspec.convert(tomllib.loads((CONFIG / "sample.toml").read_text()), Sample)
    folder = Folder(data_dir)
    folder.spoke_seeds.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = msgspec.json.decode(folder.keys.read_bytes(), type=Told) if folder.keys.exists() else Told()
    database = Database(settings.database.address(), pool_size=1)
    try:
        async with database.tx(OPERATOR) as tx:
            told = await _fill(tx, sample, folder, before.keys)
            told = msgspec.structs.replace(told, shell=_shell(told, settings.stripe))
            employed = await _staff(tx, sample, folder, told.keys)
    finally:
        await database.close()
    write_private(folder.keys, msgspec.json.format(msgspec.json.encode(told)))
    write_private(folder.staff, msgspec.json.encode(employed))


async def _fill(tx: Tx, sample: Sample, folder: Folder, keys: Keys) -> Told:
    known = await store.terms_of(tx, sample.vendors)
    vendor_keys: dict[str, str] = {}
    for code, vendor in sample.vendors.items():
        fresh = None if code in known else (await admit.admit(tx, _new_vendor(code, vendor, sample, folder))).api_key
        vendor_keys[code] = fresh or await _kept_or_new(tx, Actor("vendor", code), keys.vendors.get(code, ""))
    examples = await _put_offers(tx, sample)
    customer = keys.customer
    if not customer or await auth.find(tx, customer) is None:
        customer = (await register(tx, BUYER)).api_key or ""
    handed = Keys(customer=customer, operator=await _kept_or_new(tx, OPERATOR, keys.operator), vendors=vendor_keys)
    return Told(keys=handed, examples={"offer_ids": examples}, commands=COMMANDS)


async def _kept_or_new(tx: Tx, actor: Actor, key: str) -> str:
    caller = await auth.find(tx, key) if key else None
    return key if caller is not None and caller.actor == actor else await auth.issue(tx, actor)


def _new_vendor(code: str, vendor: SampleVendor, sample: Sample, folder: Folder) -> NewVendor:
    path = folder.spoke_seeds / f"{code}.nk"
    if not path.exists():
        write_private(path, new_seed().encode())
    return NewVendor(
        code=code,
        name=vendor.name,
        country=vendor.country,
        nkey_public=public_of(path.read_text().strip()),
        capabilities=vendor.capabilities,
        hold_seconds=sample.hold_seconds,
        shipping_options=[_option(option, sample.currency) for option in vendor.shipping],
        embedded_spoke=vendor.adapter,
        spoke_config=vendor.spoke | _of_adapter(code, vendor, sample, folder),
    )


def _of_adapter(code: str, vendor: SampleVendor, sample: Sample, folder: Folder) -> dict[str, ConfigValue]:
    """Settings that depend on this marketplace; who exchanges files has told its stock."""
    if vendor.adapter == FLATFILE:
        exchange = folder.exchanges / code
        stock = exchange / SAMPLE_STOCK
        stock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        skus = [product.sku for product in sample.products if code in product.offers]
        write_private(stock, "\n".join(["sku,quantity", *(f"{sku},{sample.stock}" for sku in skus), ""]).encode())
        return {"folder": str(exchange)}
    return dict(sample.pace) if vendor.adapter == DUMMY else {}


async def _staff(tx: Tx, sample: Sample, folder: Folder, keys: Keys) -> dict[str, Any]:
    """Who works at the sample vendors that have no system: read by `spokes.sample`."""
    spokes = {row.code: row.embedded_spoke for row in await store.embedded_spokes(tx) if row.code in sample.vendors}
    clerks = {code: keys.vendors[code] for code, adapter in spokes.items() if adapter == HOSTED}
    keepers = {code: str(folder.exchanges / code) for code, adapter in spokes.items() if adapter == FLATFILE}
    return {"clerks": clerks, "storekeepers": keepers, "pace": sample.pace}


def _option(option: SampleOption, currency: str) -> ShippingOption:
    return ShippingOption(code=option.code, name=option.name, price=Money(amount=option.price, currency=currency), days=option.days)


async def _put_offers(tx: Tx, sample: Sample) -> list[str]:
    """One offer's id of each vendor. Offers are put in only once: prices and stock of a marketplace in use stay as they are."""
    described = {code: [product for product in sample.products if product.describer == code] for code in sample.vendors}
    if not await offers.browse(tx, next(iter(sample.vendors)), after=None, limit=1):
        for code, products in described.items():
            put = await offers.put_many(tx, code, [_offer(product, code, sample, None) for product in products])
            await _put_rivals(tx, sample, list(zip(products, put.data, strict=True)))
    return [(await offers.one(tx, code, products[0].sku)).id for code, products in described.items()]


async def _put_rivals(tx: Tx, sample: Sample, described: list[tuple[SampleProduct, VendorOffer]]) -> None:
    for code in sample.vendors:
        rivals = [(product, made) for product, made in described if code in product.offers and code != product.describer]
        await offers.put_many(tx, code, [_offer(product, code, sample, made.variant_id) for product, made in rivals])


def _offer(product: SampleProduct, vendor: str, sample: Sample, variant_id: str | None) -> OfferOfSku:
    described = Described(title=product.title, description=product.description, category=product.category)
    return OfferOfSku(
        sku=product.sku,
        price=Money(amount=product.offers[vendor], currency=sample.currency),
        stock=sample.stock,
        product=described if variant_id is None else None,
        variant_id=variant_id,
    )


def _shell(told: Told, stripe: StripeSettings) -> list[str]:
    """The order's lines and functions that ask as the buyer, the first vendor, the operator and (of the sandbox) as we do."""
    lines = msgspec.json.encode(dict.fromkeys(told.examples["offer_ids"], UNITS)).decode()
    keys = {"ask": told.keys.customer, "ask_vendor": next(iter(told.keys.vendors.values())), "ask_operator": told.keys.operator}
    if stripe.base_url:
        keys["ask_sandbox"] = stripe.api_key
    return [
        "HUB={url}",
        f"STRIPE={stripe.base_url}",
        f"LINES='{lines}'",
        f"ADDRESS='{ADDRESS}'",
        # through a pipe: the command line of curl is anybody's to read
        *(
            f"{name}() {{ printf '%s\\n' 'Authorization: Bearer {key}' 'Content-Type: application/json' | curl -s -H @- \"$@\"; }}"
            for name, key in keys.items()
        ),
        f"the() {{ python3 -c '{THE}' \"$@\"; }}",
    ]


UNITS = 2
"""Of each offer: so that one can go back."""
ADDRESS = '{"name": "Ada", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}'
THE = (
    "import functools, json, sys; print(functools.reduce(lambda f, w: f[int(w) if w.isdigit() else w], sys.argv[1:], json.load(sys.stdin)))"
)
"""Shows what lies at a path (``sub_orders 0 id``) of an answer."""
COMMANDS = [
    ". {folder}/ask.sh",
    'CART=$(ask -d "{\\"lines\\": $LINES}" $HUB/v1/carts | the id)',
    'QUOTE=$(ask -d "{\\"address\\": $ADDRESS}" $HUB/v1/carts/$CART/quotes | the id)',
    (
        'ORDER=$(ask -d "{\\"quote_id\\": \\"$QUOTE\\", \\"payment_method\\": \\"pm_card_visa\\"}" $HUB/v1/orders | the id); '
        "ask -N $HUB/v1/orders/$ORDER/events"
    ),
]
"""A buyer's way in three commands, after the first has told the shell who asks and where."""
