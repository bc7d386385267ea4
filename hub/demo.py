"""Owns `hub demo`: an order over several vendors, placed on a running hub and watched to its end in the terminal."""

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
from hub.settings import Settings

ADDRESS = {"name": "Ada", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
PAYMENT_METHOD = "pm_card_visa"
COMPLETED = "completed"
SILENCE_SECONDS = 60.0
"""The hub sends a sign of life every 15 s; longer silence means that it is gone."""
DATA = "data: "
WIDTH = 140


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys in `keys.json` that the demo uses."""

    customer: str
    operator: str


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
    """Place and watch an order on the hub at `url` with the keys in `data`; 0 if it completed and its books are even."""
    del settings
    seeded = msgspec.json.decode(Folder(data).keys.read_bytes(), type=Seeded)
    console = terminal()
    async with httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(30, read=SILENCE_SECONDS)) as http:
        buyer = Caller(http, seeded.keys.customer)
        order = await _place(buyer, seeded.examples["offer_ids"], console)
        state = await _watch(buyer, order, console)
        entries = await Caller(http, seeded.keys.operator).ask("GET", f"/v1/admin/orders/{order['id']}/ledger")
    console.print()
    even = _show_books(console, entries)
    console.print(f"\nthe order is [bold]{state}[/]")
    return 0 if state == COMPLETED and even else 1


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

    async def moments(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Server-sent events until the server ends the stream."""
        async with self._http.stream("GET", path, headers=self._headers) as answer:
            if answer.is_error:
                raise DemoFailed(f"GET {path}: {answer.status_code}")
            async for line in answer.aiter_lines():
                if line.startswith(DATA):
                    yield msgspec.json.decode(line[len(DATA) :])


async def _place(buyer: Caller, offers: Sequence[str], console: Console) -> dict[str, Any]:
    cart = (await buyer.ask("POST", "/v1/carts", {}))["id"]
    for offer in offers:
        await buyer.ask("PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": 1})
    quote = await buyer.ask("POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
    order = await buyer.ask("POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": PAYMENT_METHOD})
    console.print(f"placed [bold]{order['id']}[/] over {len(order['sub_orders'])} vendors: {_money(order['total'])}\n")
    return order


async def _watch(buyer: Caller, order: Mapping[str, Any], console: Console) -> str:
    """Show each state as it happens; the order's last one."""
    parts = {
        sub["id"]: Part(
            vendor=sub["vendor"],
            goods=", ".join(f"{line['quantity']} x {line['title']}" for line in sub["lines"]),
            total=_money(sub["total"]),
            state=sub["state"],
        )
        for sub in order["sub_orders"]
    }
    vendors = {sub_order_id: part.vendor for sub_order_id, part in parts.items()}
    placed = datetime.fromisoformat(order["created_at"])
    state = str(order["state"])
    with Live(_parts_table(parts.values()), console=console, auto_refresh=False) as live:
        async for moment in buyer.moments(f"/v1/orders/{order['id']}/events"):
            seconds = (datetime.fromisoformat(moment["at"]) - placed).total_seconds()
            if (of := moment["data"].get("sub_order_id")) in parts:
                vendors[moment["subject_id"]] = parts[of].vendor
            live.console.print(_line(moment, seconds, vendors.get(moment["subject_id"], "")), highlight=False)
            if (part := parts.get(moment["subject_id"])) is not None:
                part.state, part.since = moment["to_state"], seconds
            elif moment["life"] == "order":
                state = moment["to_state"]
            live.update(_parts_table(parts.values()), refresh=True)
    return state


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
    return bool(sums) and not any(sums.values()) and not any(balances[key] for key in balances if ":" in key[0])


def _account(name: str) -> str:
    """An account for people: only the kind and, of a held share, the vendor."""
    kind, _, rest = name.partition(":")
    return f"{kind} for {rest.partition(':')[0]}" if kind == "held" else kind


def _money(amount: Mapping[str, Any]) -> str:
    return money.show(amount["amount"], amount["currency"])
