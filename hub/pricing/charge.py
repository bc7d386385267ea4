"""Works out what our rules take of one part of an order, to the cent, with the reason for each cent."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import msgspec

from hub.kernel.money import allocate, basis_points, show
from hub.pricing.commission import Commission, CommissionRule

SHIPPING = "shipping"
"""The id of the piece that is a part's shipping."""


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """A line as rules see it; `gross` is the price of all its units after the discount that the vendor bears, in minor units."""

    id: str
    offer_id: str
    sku: str
    category: str
    quantity: int
    unit_price: int
    gross: int


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's part of an order as rules see it; `own_bps` are the vendor's own terms, `on` the day in UTC."""

    vendor: str
    country: str
    own_bps: int | None
    currency: str
    on: date
    goods: Sequence[Goods]
    shipping: int


class PassedOver(msgspec.Struct, frozen=True):
    """An earlier rule of the group, and why it did not match."""

    rule: str
    why: str


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one rule takes of one piece, in minor units; `rule` is empty where none of the group matched.

    `base` is this piece's. Where the fee is worked out `per` part, `whole_base` and `whole_fee` are of all pieces
    together, and `computed` is this piece's part of it; `limit` says whether ``min`` or ``max`` decided. `charged` is less
    than `computed` where more than the piece itself would be taken.
    """

    piece: str
    rule: str = ""
    group: str = ""
    per: str = ""
    base: int = 0
    bps: int = 0
    fixed: int = 0
    limit: str = ""
    whole_base: int = 0
    whole_fee: int = 0
    computed: int = 0
    charged: int = 0
    tax_bps: int = 0
    tax: int = 0
    on_refund: str = "return"
    why: str = ""
    passed_over: list[PassedOver] = []


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """What we take of one piece; `kept` and `kept_tax` stay with us on a refund."""

    commission: int = 0
    tax: int = 0
    kept: int = 0
    kept_tax: int = 0

    def with_item(self, item: Item) -> "Fees":
        """With one rule's fee added."""
        if item.on_refund == "keep":
            return msgspec.structs.replace(self, kept=self.kept + item.charged, kept_tax=self.kept_tax + item.tax)
        return msgspec.structs.replace(self, commission=self.commission + item.charged, tax=self.tax + item.tax)


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What we take of a part: the fees by piece, and the items they are made of."""

    fees: Mapping[str, Fees]
    items: list[Item]

    @property
    def commission(self) -> int:
        """All fees without tax."""
        return sum(item.charged for item in self.items)

    @property
    def tax(self) -> int:
        """The tax on all fees."""
        return sum(item.tax for item in self.items)


class _Won(msgspec.Struct, frozen=True):
    """A piece that a rule has won."""

    piece: Goods
    why: str
    passed_over: list[PassedOver]


def charge(commission: Commission, sale: Sale) -> Charge:
    """What we take of `sale`: never more of a piece than its gross, counted in the order of the rules."""
    rules = commission.for_vendor(sale.own_bps)
    pieces = [*sale.goods, _shipping(sale.shipping)]
    won: dict[str, list[_Won]] = {}
    items: list[Item] = []
    nobody: list[Item] = []
    groups: dict[str, list[CommissionRule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    for group, alternatives in groups.items():
        for piece in pieces:
            name, match = _first_match(alternatives, piece, sale)
            if name:
                won.setdefault(name, []).append(match)
            elif match.passed_over:
                nobody.append(Item(piece=piece.id, group=group, why=match.why, passed_over=match.passed_over))
    room = {piece.id: piece.gross for piece in pieces}
    for rule in rules:
        tax_bps = commission.tax.of(sale.country) if rule.tax_bps is None else rule.tax_bps
        for item in _apply(rule, tax_bps, won.get(rule.name, []), sale.currency):
            capped = _capped(item, room[item.piece], sale.currency)
            room[item.piece] -= capped.charged + capped.tax
            items.append(capped)
    fees = dict.fromkeys((piece.id for piece in pieces), Fees())
    for item in items:
        fees[item.piece] = fees[item.piece].with_item(item)
    return Charge(fees=fees, items=items + nobody)


def _shipping(price: int) -> Goods:
    return Goods(id=SHIPPING, offer_id="", sku="", category="", quantity=1, unit_price=price, gross=price)


def _first_match(rules: Sequence[CommissionRule], piece: Goods, sale: Sale) -> tuple[str, _Won]:
    passed: list[PassedOver] = []
    for rule in rules:
        if not rule.is_of(shipping=piece.id == SHIPPING):
            continue  # of something else altogether: nothing to explain
        conditions = list(_conditions(rule, piece, sale))
        failed = next((text for met, text in conditions if not met), None)
        if failed is None:
            why = "; ".join(text for _, text in conditions) or "it holds for everything"
            return rule.name, _Won(piece, why, passed)
        passed.append(PassedOver(rule.name, failed))
    return "", _Won(piece, "no rule of the group matches", passed)


def _conditions(rule: CommissionRule, piece: Goods, sale: Sale) -> Iterator[tuple[bool, str]]:
    """Whether each thing that is asked for holds, and what is so."""
    if rule.starts is not None:
        yield sale.on >= rule.starts, f"{sale.on} is {'on or after' if sale.on >= rule.starts else 'before'} {rule.starts}"
    if rule.ends is not None:
        yield sale.on < rule.ends, f"{sale.on} is {'before' if sale.on < rule.ends else 'on or after'} {rule.ends}"
    asked = (("vendor", sale.vendor, rule.vendors), ("category", piece.category, rule.categories))
    for name, value, values in (*asked, ("offer", piece.offer_id, rule.offers), ("sku", piece.sku, rule.skus)):
        if values:
            yield value in values, f"{name} is {value}"
    for name, table in rule.amounts:
        if sale.currency not in table:
            yield False, f"{name} names no amount in {sale.currency}"
    if (least := rule.price_from.get(sale.currency)) is not None:
        yield piece.unit_price >= least, f"unit price is {show(piece.unit_price, sale.currency)}"
    if (most := rule.price_until.get(sale.currency)) is not None:
        yield piece.unit_price < most, f"unit price is {show(piece.unit_price, sale.currency)}"


def _apply(rule: CommissionRule, tax_bps: int, won: Sequence[_Won], currency: str) -> list[Item]:
    bases = [match.piece.gross for match in won]
    whole_base = whole_fee = 0
    if rule.per == "part" and (whole_base := sum(bases)):
        whole_fee, limit = _fee(rule, whole_base, currency)
        fees = [(fee, limit) for fee in allocate(whole_fee, bases)]
        taxes = allocate(basis_points(whole_fee, tax_bps), [fee for fee, _ in fees]) if whole_fee else [0] * len(fees)
    else:
        fees = [_fee_of_units(rule, match.piece, currency) for match in won]
        taxes = [basis_points(fee, tax_bps) for fee, _ in fees]
    return [
        Item(
            piece=match.piece.id,
            rule=rule.name,
            group=rule.group,
            per=rule.per,
            base=match.piece.gross,
            bps=rule.bps,
            fixed=rule.fixed.get(currency, 0),
            limit=limit,
            whole_base=whole_base,
            whole_fee=whole_fee,
            computed=fee,
            charged=fee,
            tax_bps=tax_bps,
            tax=tax,
            on_refund=rule.on_refund,
            why=match.why,
            passed_over=match.passed_over,
        )
        for match, (fee, limit), tax in zip(won, fees, taxes, strict=True)
    ]


def _fee(rule: CommissionRule, base: int, currency: str) -> tuple[int, str]:
    """A fee on one base, and whether ``min`` or ``max`` decided it."""
    fee = basis_points(base, rule.bps) + rule.fixed.get(currency, 0)
    if fee < (floor := rule.floor.get(currency, 0)):
        return floor, "min"
    if fee > (cap := rule.cap.get(currency, fee)):
        return cap, "max"
    return fee, ""


def _fee_of_units(rule: CommissionRule, piece: Goods, currency: str) -> tuple[int, str]:
    """A fee per line, or per unit: cents that do not go evenly into the units make the first ones a cent dearer."""
    if not piece.gross or rule.per != "unit":
        return _fee(rule, piece.gross, currency) if piece.gross else (0, "")
    base, dearer = divmod(piece.gross, piece.quantity)
    fee, limit = _fee(rule, base, currency)
    more, limit_of_dearer = _fee(rule, base + 1, currency)
    return fee * (piece.quantity - dearer) + more * dearer, limit or limit_of_dearer


def _capped(item: Item, room: int, currency: str) -> Item:
    """No more than is left of the piece: the fee is cut so that its tax still fits."""
    if item.charged + item.tax <= room:
        return item
    charged = min(item.charged, room * 10_000 // (10_000 + item.tax_bps))
    why = f"{item.why}; cut from {show(item.computed, currency)}: no more is left of the piece"
    return msgspec.structs.replace(item, charged=charged, tax=min(basis_points(charged, item.tax_bps), room - charged), why=why)
