"""What our files say to the vendor; pure."""

from collections.abc import Sequence

from spokes.flatfile import folder
from spokes.flatfile.csv_text import text_of
from spokes.flatfile.names import ours
from spokes.money import amount_text
from vendor_sdk.messages import Address, Item, PricedItem, Recall, Ship, Submit

ORDER = ("sub_order_id", "sku", "quantity", "title")
ADDRESS = ("name", "line1", "line2", "postal_code", "city", "region", "country", "shipping_option")

File = tuple[str, bytes]
"""A path in the exchange, and what is written there."""


def request_file(command: Submit, command_id: str, delimiter: str) -> File:
    """May we order this? A line for each item, with its price."""
    header = (*ORDER, "unit_price", "currency", "answer_by", "answer", "reason")
    money, until = command.currency, command.answer_by.isoformat()
    rows = [
        (command.sub_order_id, item.sku, item.quantity, item.title, amount_text(item.unit_price, money), money, until, "", "")
        for item in command.items
    ]
    return f"{folder.REQUESTS}/{ours('request', command_id)}", text_of([header, *rows], delimiter)


def order_file(command: Ship, command_id: str, known: Sequence[PricedItem], delimiter: str) -> File:
    """Send this, it is paid: a line for each item, each with the address."""
    titles = {item.sku: item.title for item in known}
    where = (*_address(command.ship_to), command.shipping_option)
    rows = [(*_item(command.sub_order_id, item, titles), *where) for item in command.items]
    return f"{folder.ORDERS}/{ours('order', command_id)}", text_of([(*ORDER, *ADDRESS), *rows], delimiter)


def cancellation_file(command: Recall, command_id: str, delimiter: str) -> File:
    """What was asked for is not wanted any more."""
    rows = [("sub_order_id", "reason"), (command.sub_order_id, command.reason)]
    return f"{folder.CANCELLATIONS}/{ours('cancellation', command_id)}", text_of(rows, delimiter)


def _item(sub_order_id: str, item: Item, titles: dict[str, str]) -> tuple[str | int, ...]:
    return (sub_order_id, item.sku, item.quantity, titles.get(item.sku, ""))


def _address(to: Address) -> tuple[str, ...]:
    return (to.name, to.line1, to.line2, to.postal_code, to.city, to.region, to.country)
