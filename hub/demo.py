"""Owns `hub demo`: an order over several vendors, watched to its end in the terminal, partly refunded, and reconciled."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from hub.embedded.folder import Folder
from hub.kernel import money
from hub.reconcile import run, runs
from hub.reconcile.run import Rules
from hub.reconcile.show import show
from hub.runtime import logs
from hub.runtime.database import Actor
from hub.sections import Settings
from hub.wiring import gateways, wire

ADDRESS = {"name": "Ada", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
PAYMENT_METHOD = "pm_card_visa"
COMPLETED = "completed"
SUCCEEDED = "succeeded"
UNITS = 2
"""Of each offer: so that one can go back."""
OPERATOR = Actor("operator", "demo")
EMPTY_IN_THE_END = ("order:", "held:", "reserve:", "refund:")
SILENCE_SECONDS = 60.0
"""The hub sends a sign of life every 15 s; longer silence means that it is gone."""
DATA = "data: "
WIDTH = 140


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys in `keys.json` that the demo uses."""

    customer: str
    operator: str
    vendors: dict[str, str]


class Seeded(msgspec.Struct, frozen=True, kw_only=True):
    """What `hub seed` left in `keys.json`."""

    keys: Keys
    examples: dict[str, list[str]]


class Part(msgspec.Struct):
    """One vendor's part as it stands."""

    vendor: str
    goods: str
    total: str
    state: str
    since: float = 0.0


class DemoFailed(RuntimeError):
    """The hub refused something; the text says what."""


async def demo(settings: Settings, url: str, data: Path) -> int:
    """Place and watch an order on the hub at `url` with the keys in `data`, give one unit back, reconcile; 0 if all of it is right."""
    logs.set_up(level="warning", fmt="console", process="demo")
    seeded = msgspec.json.decode(Folder(data).keys.read_bytes(), type=Seeded)
    console = terminal()
    async with httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(30, read=SILENCE_SECONDS)) as http:
        buyer = Caller(http, seeded.keys.customer)
        order = await _place(buyer, seeded.examples["offer_ids"], console)
        watch = _Watch(order, console)
        await watch.follow(buyer)
        sub = order["sub_orders"][0]
        refund = await _give_back(Caller(http, seeded.keys.vendors[sub["vendor"]]), sub, console)
        await watch.follow(buyer)
        given_back = [made["state"] for made in await buyer.ask("GET", f"/v1/orders/{order['id']}/refunds") if made["id"] == refund]
        entries = await Caller(http, seeded.keys.operator).ask("GET", f"/v1/admin/orders/{order['id']}/ledger")
    console.print()
    even = _show_books(console, entries)
    console.print()
    equal = await _reconcile(settings, console)
    console.print(
        f"\nthe order is [bold]{watch.state}[/], its refund {', '.join(given_back)}; provider and ledger are {'' if equal else 'NOT '}equal"
    )
    return 0 if watch.state == COMPLETED and given_back == [SUCCEEDED] and even and equal else 1


async def _give_back(vendor: "Caller", sub: Mapping[str, Any], console: Console) -> str:
    line = sub["lines"][0]
    asked = {"reason": "one was broken", "items": [{"line_id": line["id"], "quantity": 1}]}
    refund = await vendor.ask("POST", f"/v1/vendor/orders/{sub['id']}/refunds", asked)
    console.print(f"\n[bold]{sub['vendor']}[/] gives 1 x {line['title']} back: {_money(refund['amount'])}\n")
    return refund["id"]


async def _reconcile(settings: Settings, console: Console) -> bool:
    """Prove the provider's books against ours; whether they are equal to the cent."""
    wiring = wire(settings, "demo")
    providers = gateways(wiring)
    try:
        async with wiring.database.tx(OPERATOR) as tx:
            claimed = await runs.claim(tx, (await run.ask(tx, None, None)).id)
        report = None if claimed is None else await run.perform(wiring.database, providers, Rules(), claimed)
    finally:
        for provider in providers.values():
            await provider.close()
        await wiring.close()
    if report is not None:
        show(report, console)
    return report is not None and report.equal


def terminal() -> Console:
    """A console that does not break lines at 80 characters where nobody has a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


class Caller:
    """Somebody with a key."""

    def __init__(self, http: httpx.AsyncClient, key: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {key}"}

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer. Raises `DemoFailed`."""
        answer = await self._http.request(method, path, json=body, headers=self._headers)
        if answer.is_error:
            raise DemoFailed(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    async def moments(self, path: str, after: int) -> AsyncIterator[dict[str, Any]]:
        """Server-sent events after that one until the server ends the stream."""
        async with self._http.stream("GET", path, headers=self._headers | {"Last-Event-ID": str(after)}) as answer:
            if answer.is_error:
                raise DemoFailed(f"GET {path}: {answer.status_code}")
            async for line in answer.aiter_lines():
                if line.removeprefix(DATA) not in {line, ""}:  # without data it is a sign of life
                    yield msgspec.json.decode(line[len(DATA) :])


async def _place(buyer: Caller, offers: Sequence[str], console: Console) -> dict[str, Any]:
    cart = (await buyer.ask("POST", "/v1/carts", {}))["id"]
    for offer in offers:
        await buyer.ask("PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": UNITS})
    quote = await buyer.ask("POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
    order = await buyer.ask("POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": PAYMENT_METHOD})
    console.print(f"placed [bold]{order['id']}[/] over {len(order['sub_orders'])} vendors: {_money(order['total'])}\n")
    return order


class _Watch:
    """Shows each state of an order as it happens; `state` is the order's last one."""

    def __init__(self, order: Mapping[str, Any], console: Console) -> None:
        self._order = order
        self._console = console
        self._parts = {
            sub["id"]: Part(
                vendor=sub["vendor"],
                goods=", ".join(f"{line['quantity']} x {line['title']}" for line in sub["lines"]),
                total=_money(sub["total"]),
                state=sub["state"],
            )
            for sub in order["sub_orders"]
        }
        self._vendors = {sub_order_id: part.vendor for sub_order_id, part in self._parts.items()}
        self._placed = datetime.fromisoformat(order["created_at"])
        self._seq = 0
        self.state = str(order["state"])

    async def follow(self, buyer: Caller) -> None:
        """From what was shown last until nothing more is under way."""
        with Live(_parts_table(self._parts.values()), console=self._console, auto_refresh=False) as live:
            async for moment in buyer.moments(f"/v1/orders/{self._order['id']}/events", self._seq):
                self._show(live, moment)

    def _show(self, live: Live, moment: Mapping[str, Any]) -> None:
        self._seq = moment["seq"]
        seconds = (datetime.fromisoformat(moment["at"]) - self._placed).total_seconds()
        if (of := moment["data"].get("sub_order_id")) in self._parts:
            self._vendors[moment["subject_id"]] = self._parts[of].vendor
        live.console.print(_line(moment, seconds, self._vendors.get(moment["subject_id"], "")), highlight=False)
        if (part := self._parts.get(moment["subject_id"])) is not None:
            part.state, part.since = moment["to_state"], seconds
        elif moment["life"] == "order":
            self.state = moment["to_state"]
        live.update(_parts_table(self._parts.values()), refresh=True)


def _line(moment: Mapping[str, Any], seconds: float, vendor: str) -> str:
    before = f"{moment['from_state']} → " if moment["from_state"] else ""
    why = f" ({moment['reason']})" if moment["reason"] else ""
    life = moment["life"].replace("_", "-")
    change = f"{moment['event']}: {before}[bold]{moment['to_state']}[/]{why}"
    return f"[cyan]{seconds:7.3f} s[/]  {life:<10} {vendor:<16} {change}  [dim]by {moment['actor'].partition(':')[0]}[/]"


def _parts_table(parts: Iterable[Part]) -> Table:
    table = Table("vendor", "goods", "total", "state", "since")
    for part in parts:
        table.add_row(part.vendor, part.goods, part.total, part.state, f"{part.since:.1f} s")
    return table


def _show_books(console: Console, entries: Sequence[Mapping[str, Any]]) -> bool:
    """The order's ledger and what each account holds; whether nothing is left over for anybody."""
    ledger = Table("what", "from", "to", "amount", title="The ledger of this order", title_justify="left")
    balances: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        amount, currency = entry["amount"], entry["currency"]
        ledger.add_row(entry["kind"], _account(entry["source"]), _account(entry["destination"]), money.show(amount, currency))
        balances[entry["source"], currency] -= amount
        balances[entry["destination"], currency] += amount
    held = Table("account", "balance", title="What each account holds", title_justify="left")
    for (account, currency), amount in balances.items():
        held.add_row(_account(account), money.show(amount, currency))
    sums: Counter[str] = Counter()
    for (_, currency), amount in balances.items():
        sums[currency] += amount
    for currency, amount in sums.items():
        held.add_row("[bold]sum[/]", f"[bold]{money.show(amount, currency)}[/]")
    console.print(ledger, held, sep="\n")
    return bool(sums) and not any(sums.values()) and not any(balances[key] for key in balances if key[0].startswith(EMPTY_IN_THE_END))


def _account(name: str) -> str:
    """An account for people: only the kind and, where it is one's, the vendor or provider."""
    kind, _, rest = name.partition(":")
    if kind == "held":
        return f"{kind} for {rest.partition(':')[0]}"
    return f"{kind} at {rest}" if kind == "clearing" else kind


def _money(amount: Mapping[str, Any]) -> str:
    return money.show(amount["amount"], amount["currency"])
