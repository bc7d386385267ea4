"""Stripe's v1 idempotency: an answer is saved under its key for 24 hours and replayed; the same key never acts twice."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager

from hub.sandbox.answers import Answer, busy, mismatch
from hub.sandbox.store import Store

LIVES = 24 * 3600
"""Stripe may prune keys once they are at least 24 hours old."""


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What a second use of the key must equal."""
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


class Keys:
    """The saved answers, and the keys whose call is still under way in this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: set[tuple[str, str]] = set()

    @contextmanager
    def hold(self, owner: str, key: str | None) -> Generator[None]:
        """Keep the key while its call is under way. Raises `Problem` 409 if another call holds it."""
        if key is None:
            yield
            return
        if (owner, key) in self._under_way:
            raise busy()
        self._under_way.add((owner, key))
        try:
            yield
        finally:
            self._under_way.discard((owner, key))

    def saved(self, owner: str, key: str, print_: str, now: int) -> Answer | None:
        """The answer under a key, marked as replayed. Raises `Problem` 400 if the parameters are others."""
        row = self._store.db.execute(
            "SELECT fingerprint, request, status, body FROM saved WHERE owner = ? AND key = ? AND at > ?", (owner, key, now - LIVES)
        ).fetchone()
        if row is None:
            return None
        known, request, status, body = row
        if known != print_:
            raise mismatch(key)
        return Answer(status, body, {"idempotent-replayed": "true", "original-request": request})

    def save(self, owner: str, key: str, print_: str, now: int, request: str, answer: Answer) -> None:  # the row's columns
        """Keep the answer, and forget those that are too old."""
        self._store.db.execute("DELETE FROM saved WHERE at <= ?", (now - LIVES,))
        self._store.db.execute(
            "INSERT INTO saved VALUES (?, ?, ?, ?, ?, ?, ?)", (owner, key, print_, now, request, answer.status, answer.body)
        )
