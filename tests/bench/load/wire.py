"""HTTP/1.1 as bytes: a request built, an answer read, nothing else."""

from typing import Any, NamedTuple

import msgspec

HEAD_END = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length: "
STATUS = slice(9, 12)


class Answer(NamedTuple):
    """An answer's status and body."""

    status: int
    body: bytes


def request(method: str, path: str, key: str = "", body: Any = None, once: str = "") -> bytes:
    """A request by the holder of `key`, with `once` as its idempotency key."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if once:
        lines.append(f"Idempotency-Key: {once}")
    sent = b""
    if body is not None:
        sent = msgspec.json.encode(body)
        lines += ["Content-Type: application/json", f"Content-Length: {len(sent)}"]
    return "\r\n".join([*lines, "", ""]).encode() + sent


def answer(received: bytes) -> Answer | None:
    """The answer, or None while some of it is missing. Raises `ValueError` for one without a length."""
    head = received.find(HEAD_END)
    if head < 0:
        return None
    at = received.find(LENGTH, 0, head)
    if at < 0:
        raise ValueError(f"an answer without content-length: {received[:head]!r}")
    at += len(LENGTH)
    begins = head + len(HEAD_END)
    if len(received) < begins + int(received[at : received.find(b"\r\n", at)]):
        return None
    return Answer(int(received[STATUS]), received[begins:])
