"""What is true whatever our tables say: the provider's own objects and movements, counted and added up, beside the books."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hub.sandbox.app import Sandbox
from tests.chaos.market import Market

KINDS = {"charge": "payment", "transfer": "transfer", "refund": "refund", "transfer_reversal": "reversal", "payout": "payout"}
MADE_BY = "~"
"""What a spoiled key has behind the step's own."""


@dataclass
class Proof:
    """What is wrong: `duplicates` by kind, the rest in words, and the orders it was found on."""

    duplicates: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])

    def wrong(self, what: str, order_id: str | None = None) -> None:
        """Note a problem."""
        self.problems.append(what)
        if order_id is not None:
            self.broken.append(order_id)


class Provider:
    """The sandbox's objects, read once."""

    def __init__(self, sandbox: Sandbox) -> None:
        rows = sandbox.store.db.execute("SELECT kind, owner, body FROM objects WHERE kind <> 'event'").fetchall()
        self.objects: dict[str, list[dict[str, Any]]] = {}
        for kind, owner, body in rows:
            self.objects.setdefault(kind, []).append(msgspec.json.decode(body) | {"owner": owner})

    def all(self, kind: str, owner: str | None = None) -> list[dict[str, Any]]:
        """Objects of a kind."""
        return [each for each in self.objects.get(kind, []) if owner is None or each["owner"] == owner]

    def balance(self, owner: str) -> int:
        """What an account holds."""
        return sum(each["net"] for each in self.all("balance_transaction", owner))

    @property
    def charges(self) -> list[dict[str, Any]]:
        """What buyers paid."""
        return [each for each in self.all("charge", "") if each["captured"]]


async def prove(market: Market) -> Proof:
    """Everything that the provider alone can tell."""
    proof, provider = Proof(), Provider(market.shop.sandbox)
    _once(provider, proof)
    _no_money_held(provider, proof)
    _conserved(provider, proof)
    await _orders_agree(market, provider, proof)
    await _vendors_agree(market, provider, proof)
    clearing = await market.shop.balance("clearing:stripe")
    if clearing != -provider.balance(""):
        proof.wrong(f"the books say {-clearing} lies at the provider, it holds {provider.balance('')}")
    return proof


def _once(provider: Provider, proof: Proof) -> None:
    """Every step made at most one object, and no order was charged twice."""
    made: Counter[tuple[str, str]] = Counter()
    whose: dict[str, str | None] = {}
    for kind in ("transfer", "refund", "transfer_reversal", "payout"):
        for each in provider.all(kind):
            if each["id"].startswith("pyr_"):
                continue  # the other end of a reversal
            step = each["metadata"].get("step", "").split(MADE_BY)[0]
            made[kind, step] += 1
            whose[step] = each["metadata"].get("order_id")
    for charge in provider.charges:
        made["charge", charge["transfer_group"]] += 1
        whose[charge["transfer_group"]] = charge["transfer_group"]
    for (kind, step), times in made.items():
        if not step:
            proof.wrong(f"{times} {KINDS[kind]}s of no step of ours")
        elif times > 1:
            proof.duplicates[KINDS[kind]] += times - 1
            proof.wrong(f"{times} {KINDS[kind]}s of {step}", whose[step])


def _no_money_held(provider: Provider, proof: Proof) -> None:
    for intent in provider.all("payment_intent"):
        if intent["status"] in {"requires_capture", "processing", "requires_action"}:
            order_id = intent["metadata"]["order_id"]
            proof.wrong(f"a buyer's money is still held for {order_id}: {intent['status']}", order_id)


def _conserved(provider: Provider, proof: Proof) -> None:
    """What buyers paid less what they got back is what vendors and we have, and what fees took."""
    fees = sum(each["fee"] for each in provider.all("balance_transaction"))
    paid = sum(each["amount_captured"] for each in provider.charges)
    returned = sum(_returned(provider).values())
    accounts = sum(provider.balance(account["id"]) for account in provider.all("account"))
    out = sum(each["amount"] for each in provider.all("payout") if each["status"] not in {"failed", "canceled"})
    if paid - returned != provider.balance("") + accounts + out + fees:
        proof.wrong(f"{paid} paid - {returned} returned is not {provider.balance('')} ours + {accounts} vendors' + {out} out + {fees} fees")


def _returned(provider: Provider) -> Counter[str]:
    """What each charge gave back: by refunds that stand and by disputes that were lost or are open."""
    back: Counter[str] = Counter()
    for refund in provider.all("refund", ""):
        if refund["status"] in {"succeeded", "pending"}:
            back[refund["charge"]] += refund["amount"]
    for dispute in provider.all("dispute"):
        if dispute["status"] in {"lost", "needs_response", "under_review"}:
            back[dispute["charge"]] += dispute["amount"]
    return back


async def _orders_agree(market: Market, provider: Provider, proof: Proof) -> None:
    """Each order: charged what we say, and the buyer got back what we say."""
    query = """
    SELECT p.order_id, p.charge, p.captured, coalesce(r.sent, 0) + coalesce(d.lost, 0) AS returned FROM payments p
    LEFT JOIN LATERAL (SELECT sum(amount) AS sent FROM refunds WHERE payment_id = p.id AND kind = 'refund' AND state = 'succeeded'
        AND NOT EXISTS (SELECT FROM timeline t WHERE t.subject_id = refunds.id AND t.event = 'succeed' AND t.reason = 'by_hand')) r ON true
    LEFT JOIN LATERAL (SELECT sum(amount) AS lost FROM disputes WHERE payment_id = p.id AND state = 'lost') d ON true
    WHERE p.state = 'captured' AND p.captured > 0
    """
    ours = {row.charge: row for row in await market.rows(query)}
    theirs, back = {each["id"]: each for each in provider.charges}, _returned(provider)
    for charge in sorted(ours.keys() | theirs.keys()):
        row, found = ours.get(charge), theirs.get(charge)
        if row is None or found is None:
            order_id = row.order_id if row is not None else found["transfer_group"] if found is not None else None
            proof.wrong(f"{charge} is known to one side only", order_id)
        elif (row.captured, row.returned) != (found["amount_captured"], back[charge]):
            there = (found["amount_captured"], back[charge])
            proof.wrong(f"{row.order_id}: we say paid {row.captured}, returned {row.returned}; the provider {there}", row.order_id)


async def _vendors_agree(market: Market, provider: Provider, proof: Proof) -> None:
    """Each account holds its transfers less reversals and payouts, and our books say so too."""
    for row in await market.rows("SELECT code, connected_account AS account FROM vendors"):
        sent = [each for each in provider.all("transfer") if each["destination"] == row.account]
        names = {each["id"] for each in sent}
        back = sum(each["amount"] for each in provider.all("transfer_reversal") if each["transfer"] in names)
        out = sum(each["amount"] for each in provider.all("payout", row.account) if each["status"] not in {"failed", "canceled"})
        should = sum(each["amount"] for each in sent) - back - out
        if provider.balance(row.account) != should:
            proof.wrong(f"{row.code}'s account holds {provider.balance(row.account)}, not {should}")
        query = "SELECT coalesce(sum(amount), 0) FROM transfers WHERE vendor = :v AND state = 'transferred'"
        ours = await market.shop.scalar(query, v=row.code)
        if ours != sum(each["amount"] for each in sent):
            proof.wrong(f"{row.code} was sent {sum(each['amount'] for each in sent)}, the books say {ours}")
