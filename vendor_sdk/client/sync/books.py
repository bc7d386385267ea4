"""Your money: balance, statements, adjustments, payouts."""

from collections.abc import Iterator
from datetime import datetime

from vendor_sdk.client.answers import Money, Page
from vendor_sdk.client.answers.books import Adjustment, Balance, Entry, Payout, PayoutWithParts, Statement
from vendor_sdk.client.call import get, listed, said, write
from vendor_sdk.client.sync.sender import Sender


class Books:
    """What you have with us, and why."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def balance(self) -> list[Balance]:
        """What you have, by currency."""
        return self._send(get(list[Balance], "balance"))

    def statement(
        self, start: datetime | None = None, end: datetime | None = None, *, limit: int = 20, cursor: str | None = None
    ) -> Statement:
        """A page of a period's statement; of the last month if none is named."""
        return self._send(get(Statement, "statements", from_=start, to=end, limit=limit, cursor=cursor))

    def entries(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Entry]:
        """Each entry of a period, asked for page by page as it is needed."""
        cursor: str | None = None
        while True:
            page = self.statement(start, end, limit=100, cursor=cursor)
            for entry in page.data:
                yield entry
            if page.next_cursor is None:
                return
            start, end, cursor = page.start, page.end, page.next_cursor

    def statement_rows(self, start: datetime | None = None, end: datetime | None = None) -> bytes:
        """The same as CSV, whole: opening, every entry, closing."""
        return self._send(get(bytes, "statements.csv", from_=start, to=end))

    def adjustments(self) -> Iterator[Adjustment]:
        """Each fine, bonus and correction, newest first."""
        return self._send.each(listed(Adjustment, "adjustments", limit=100))


class Payouts:
    """What goes to your bank."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, state: str | None = None) -> Iterator[Payout]:
        """Each of yours, newest first."""
        return self._send.each(listed(Payout, "payouts", state=state, limit=100))

    def page(self, *, state: str | None = None, limit: int = 20, cursor: str | None = None) -> Page[Payout]:
        """A page of the same."""
        return self._send(listed(Payout, "payouts", state=state, limit=limit, cursor=cursor))

    def get(self, payout: str) -> PayoutWithParts:
        """One of them, with what it contains as far as the provider tells."""
        return self._send(get(PayoutWithParts, "payouts", payout))

    def ask(self, amount: Money | None = None, *, currency: str | None = None, key: str | None = None) -> Payout:
        """Ask for one now: an amount, or all that is available (in `currency`)."""
        return self._send(write(Payout, "POST", "payouts", body=said(amount=amount, currency=currency), key=key))

    def cancel(self, payout: str, *, key: str | None = None) -> Payout:
        """Call it off, while it has not been sent."""
        return self._send(write(Payout, "POST", "payouts", payout, "cancel", key=key))

    def retry(self, payout: str, *, key: str | None = None) -> Payout:
        """Ask for what a failed one was to bring."""
        return self._send(write(Payout, "POST", "payouts", payout, "retry", key=key))
