"""What buyers do: each journey is a generator that yields requests, is given the answers, checks them, and returns what it made."""

from collections.abc import Callable, Generator
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from tests.bench.load.wire import Answer, request

ADDRESS = {"name": "Bench", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
CARD = "pm_card_visa"
_ID = b'{"id":"'


class Ask(NamedTuple):
    """A request and the kind that its latency counts for."""

    kind: str
    sent: bytes


Journey = Generator[Ask, Answer, str]


class Wrong(RuntimeError):
    """An answer that should have been another."""


def place(given: Any) -> Journey:
    """(key, quote): the order's id."""
    key, quote = given
    said = yield Ask("place", _order(key, quote))
    return _made(said, "ord_")


def scramble(given: Any) -> Journey:
    """(key, quote) of something that is sold out soon: the order's id, or nothing once it is."""
    key, quote = given
    said = yield Ask("place", _order(key, quote))
    if said.status == HTTPStatus.CONFLICT and b"sold_out" in said.body:
        return ""
    return _made(said, "ord_")


def quote(given: Any) -> Journey:
    """(key, quantities by offer): the quote's id."""
    key, lines = given
    said = yield Ask("cart", request("POST", "/v1/carts", key, {"lines": lines}))
    cart = _made(said, "cart_")
    said = yield Ask("quote", request("POST", f"/v1/carts/{cart}/quotes", key, {"address": ADDRESS}))
    return _made(said, "quo_")


def buy(given: Any) -> Journey:
    """(key, quantities by offer): a cart with its lines, a quote for an address, a way to ship from each vendor, pay and place."""
    key, lines = given
    said = yield Ask("cart", request("POST", "/v1/carts", key, {"lines": lines}))
    cart = _made(said, "cart_")
    said = yield Ask("quote", request("POST", f"/v1/carts/{cart}/quotes", key, {"address": ADDRESS}))
    quoted = _made(said, "quo_")
    parts = msgspec.json.decode(said.body, type=_Quoted).parts
    shipping = {part.vendor: part.shipping_options[-1].code for part in parts}
    said = yield Ask("place", _order(key, quoted, shipping=shipping))
    return _made(said, "ord_")


def cart(given: Any) -> Journey:
    """(key, quantities by offer, another offer): a cart, and a line more."""
    key, lines, more = given
    said = yield Ask("cart", request("POST", "/v1/carts", key, {"lines": lines}))
    made = _made(said, "cart_")
    said = yield Ask("line", request("PUT", f"/v1/carts/{made}/lines/{more}", key, {"quantity": 1}))
    return _made(said, "cart_")


def look(given: Any) -> Journey:
    """A path that anybody may read: nothing is made."""
    said = yield Ask("look", request("GET", given))
    if said.status != HTTPStatus.OK:
        raise Wrong(f"{given}: {said.status} {said.body[:300]!r}")
    return ""


def mix(given: Any) -> Journey:
    """(journey, what it is given): any of the others."""
    name, inner = given
    return JOURNEYS[name](inner)


JOURNEYS: dict[str, Callable[[Any], Journey]] = {
    "place": place,
    "scramble": scramble,
    "quote": quote,
    "buy": buy,
    "cart": cart,
    "look": look,
    "mix": mix,
}


class _Option(msgspec.Struct):
    code: str


class _Part(msgspec.Struct):
    vendor: str
    shipping_options: list[_Option]


class _Quoted(msgspec.Struct):
    parts: list[_Part]


def _order(key: str, quoted: str, **more: Any) -> bytes:
    return request("POST", "/v1/orders", key, {"quote_id": quoted, "payment_method": CARD, **more}, once=quoted)


def _made(said: Answer, prefix: str) -> str:
    """The id an answer begins with. Raises `Wrong`."""
    start = len(_ID)
    if not HTTPStatus.OK <= said.status <= HTTPStatus.CREATED or not said.body.startswith(_ID + prefix.encode()):
        raise Wrong(f"{said.status} {said.body[:300]!r}")
    return said.body[start : said.body.index(b'"', start)].decode()
