"""A report as people read it, in a minute: the verdict, one table per provider and currency, and what to do."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from hub.kernel.money import decimals
from hub.reconcile.report import Balance, Difference, Report, VendorBalance


def show(report: Report, console: Console) -> None:
    """Print it."""
    verdict = "[bold green]equal to the cent" if report.equal else f"[bold red]differences: {report.differences_total}"
    console.print(f"{_moment(report.since)} to {_moment(report.until)} UTC: {verdict}")
    for balance in report.balances:
        console.print(_balance(balance))
    if report.differences:
        console.print(_differences(report.differences))
        if report.differences_total > len(report.differences):
            console.print(f"and {report.differences_total - len(report.differences)} more")
        for problem, advice in {each.problem: each.what_to_do for each in report.differences}.items():
            console.print(f"[bold]{problem}[/]: {advice}")
    if report.vendor_balances:
        console.print(_vendors(report.vendor_balances))
    console.print(f"vendors proved: {report.vendors_checked}")


def _balance(balance: Balance) -> Table:
    table = Table(title=f"{balance.gateway} {balance.currency}", title_justify="left")
    for name in ("", "count", "amount", "fee", "net"):
        table.add_column(name, justify="left" if not name else "right", overflow="fold")

    def money(amount: int) -> str:
        return _money(amount, balance.currency)

    table.add_row("opening", "", "", "", money(balance.opening), end_section=True)
    for kind in balance.kinds:
        table.add_row(kind.kind, str(kind.count), money(kind.amount), money(kind.fee), money(kind.net))
    table.add_section()
    table.add_row("closing, as the provider says", "", "", "", money(balance.closing))
    table.add_row("closing, as our books say", "", "", "", money(balance.ours))
    table.add_row("difference", "", "", "", money(balance.difference), end_section=True, style=_style(balance.difference))
    table.add_row("of it in flight", "", "", "", money(balance.in_flight))
    table.add_row("of it in suspense", "", "", "", money(balance.suspense), style=_style(balance.suspense))
    table.add_row("of it unexplained", "", "", "", money(balance.unexplained), style=_style(balance.unexplained))
    return table


def _differences(differences: Iterable[Difference]) -> Table:
    table = Table(title="differences", title_justify="left")
    for name in ("when", "what", "whose", "kind", "theirs", "ours", "movement", "reference", "our transaction"):
        table.add_column(name, justify="right" if name in {"theirs", "ours"} else "left", overflow="fold")
    for each in differences:
        theirs, ours = (("" if side is None else _money(side, each.currency)) for side in (each.theirs, each.ours))
        whose = each.vendor or each.gateway
        words = (each.movement or "", each.reference or "", each.booking or "")
        table.add_row(_moment(each.at), each.problem, whose, each.kind, theirs, f"{ours} {each.currency}".strip(), *words)
    return table


def _vendors(balances: Iterable[VendorBalance]) -> Table:
    table = Table(title="vendors' accounts that hold something else than we sent", title_justify="left")
    for name in ("vendor", "account", "currency", "theirs", "ours"):
        table.add_column(name, justify="right" if name in {"theirs", "ours"} else "left")
    for each in balances:
        table.add_row(each.vendor, each.account, each.currency, _money(each.theirs, each.currency), _money(each.ours, each.currency))
    return table


def _money(amount: int, currency: str) -> str:
    places = decimals(currency)
    return f"{Decimal(amount).scaleb(-places):,.{places}f}"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


def _style(amount: int) -> str:
    return "bold red" if amount else ""
