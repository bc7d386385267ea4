"""Your money: balance, statements, adjustments, payouts."""

from collections.abc import AsyncIterator
from datetime import datetime

from vendor_sdk.client.aio.sender import Sender
from vendor_sdk.client.answers import Money, Page
from vendor_sdk.client.answers.books import Adjustment, Balance, Entry, Payout, PayoutWithParts, Statement
from vendor_sdk.client.call import get, listed, said, write


class Books:
    """What you have with us, and why."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    async def balance(self) -> list[Balance]:
        """What you have, by currency."""
        return await self._send(get(list[Balance], "balance"))

    async def statement(
        self, start: datetime | None = None, end: datetime | None = None, *, limit: int = 20, cursor: str | None = None
    ) -> Statement:
        """A page of a period's statement; of the last month if none is named."""
        return await self._send(get(Statement, "statements", from_=start, to=end, limit=limit, cursor=cursor))

    async def entries(self, start: datetime | None = None, end: datetime | None = None) -> AsyncIterator[Entry]:
        """Each entry of a period, asked for page by page as it is needed."""
        cursor: str | None = None
        while True:
            page = await self.statement(start, end, limit=100, cursor=cursor)
            for entry in page.data:
                yield entry
            if page.next_cursor is None:
                return
            start, end, cursor = page.start, page.end, page.next_cursor

    async def statement_rows(self, start: datetime | None = None, end: datetime | None = None) -> bytes:
        """The same as CSV, whole: opening, every entry, closing."""
        return await self._send(get(bytes, "statements.csv", from_=start, to=end))

    def adjustments(self) -> AsyncIterator[Adjustment]:
        """Each fine, bonus and correction, newest first."""
        return self._send.each(listed(Adjustment, "adjustments", limit=100))


class Payouts:
    """What goes to your bank."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, state: str | None = None) -> AsyncIterator[Payout]:
        """Each of yours, newest first."""
        return self._send.each(listed(Payout, "payouts", state=state, limit=100))

    async def page(self, *, state: str | None = None, limit: int = 20, cursor: str | None = None) -> Page[Payout]:
        """A page of the same."""
        return await self._send(listed(Payout, "payouts", state=state, limit=limit, cursor=cursor))

    async def get(self, payout: str) -> PayoutWithParts:
        """One of them, with what it contains as far as the provider tells."""
        return await self._send(get(PayoutWithParts, "payouts", payout))

    async def ask(self, amount: Money | None = None, *, currency: str | None = None, key: str | None = None) -> Payout:
        """Ask for one now: an amount, or all that is available (in `currency`)."""
        return await self._send(write(Payout, "POST", "payouts", body=said(amount=amount, currency=currency), key=key))

    async def cancel(self, payout: str, *, key: str | None = None) -> Payout:
        """Call it off, while it has not been sent."""
        return await self._send(write(Payout, "POST", "payouts", payout, "cancel", key=key))

    async def retry(self, payout: str, *, key: str | None = None) -> Payout:
        """Ask for what a failed one was to bring."""
        return await self._send(write(Payout, "POST", "payouts", payout, "retry", key=key))
