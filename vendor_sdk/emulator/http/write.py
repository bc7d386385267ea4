"""Writes: once per ``Idempotency-Key``, saved with what was answered, refused if somebody else has changed the thing."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from vendor_sdk.emulator.http.request import Answer, Call, raw
from vendor_sdk.emulator.model import Kept
from vendor_sdk.emulator.refusals import Conflict, Invalid
from vendor_sdk.emulator.turn import Turn

T = TypeVar("T")

KEY = "idempotency-key"
KEY_FIELD = "header:Idempotency-Key"
KEY_LENGTH_MAX = 255
KEEP_SECONDS = 86_400.0


def write(call: Call, do: Callable[[Turn], T], status: int = 200, keep: Callable[[T], object] | None = None) -> Answer:
    """Run `do`, or answer what was answered to the same key before; `keep` leaves out what may be shown only once."""
    request = call.request
    key = request.headers.get(KEY)
    print_ = hashlib.sha256(b"\0".join((request.method.encode(), request.path.encode(), request.body))).hexdigest()

    def work(turn: Turn) -> Answer:
        if key is not None and (before := _before(turn, key, print_)) is not None:
            return raw(before.body.encode(), before.status, replayed=True)
        done = do(turn)
        body = msgspec.json.encode(done)
        if key is not None:
            kept = body if keep is None else msgspec.json.encode(keep(done))
            turn.book.keys[key] = Kept(print_=print_, status=status, body=kept.decode(), at=turn.now)
        return raw(body, status)

    return call.emulator.change(work)


def check_version(call: Call, version: int) -> None:
    """Raises `Conflict` (``version_mismatch``) for a stale edit (If-Match)."""
    if_match = call.request.headers.get("if-match")
    if if_match is None or if_match.strip() == "*":
        return
    if f'"{version}"' not in {tag.strip().removeprefix("W/") for tag in if_match.split(",")}:
        raise Conflict("version_mismatch", f"it is at version {version} by now", field="header:If-Match", version=version)


def _before(turn: Turn, key: str, print_: str) -> Kept | None:
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable() or not key.isascii():
        raise Invalid("idempotency_key_invalid", f"1 to {KEY_LENGTH_MAX} printable ASCII characters", field=KEY_FIELD)
    for name in [name for name, kept in turn.book.keys.items() if kept.at < turn.now - KEEP_SECONDS]:
        del turn.book.keys[name]
    kept = turn.book.keys.get(key)
    if kept is not None and kept.print_ != print_:
        raise Conflict("idempotency_key_reused", "this key was used for another request", field=KEY_FIELD)
    return kept
