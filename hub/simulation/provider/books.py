"""The provider's ground: its clock and what falls due on it, balances and their movements, events, and what it remembers by key."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any, TypeVar

from hub.payments.facts import Funds, Movement, ProviderEvent
from hub.payments.ports import GatewayRefused
from hub.sandbox.idempotency import LIVES
from hub.simulation.nature import Nature
from hub.simulation.provider.objects import MISUSED, Account, Charge, Dispute, NotKept, Payment, Payout, Refund, Reversal, Transfer

T = TypeVar("T")

PLATFORM = ""
"""Whose balance is ours."""


class Purse:
    """One currency of one balance, minor units; what is pending becomes available by the clock."""

    __slots__ = ("_waiting", "available", "pending")

    def __init__(self) -> None:
        self.available = 0
        self.pending = 0
        self._waiting: list[tuple[int, int]] = []

    def add(self, net: int, available_on: int, now: int) -> None:
        if available_on <= now:
            self.available += net
        else:
            self.pending += net
            heappush(self._waiting, (available_on, net))

    def settle(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            net = heappop(self._waiting)[1]
            self.pending -= net
            self.available += net


class Book:
    """One owner's movements, oldest first, and its purses."""

    __slots__ = ("moved", "purses", "seconds")

    def __init__(self) -> None:
        self.moved: list[Movement] = []
        self.seconds: list[int] = []
        self.purses: dict[str, Purse] = {}


class Books:
    """What all parts of the provider stand on. `arrive` opens every request: after it, `now` is the present."""

    def __init__(self, nature: Nature, *, reversals_need_funds: bool = True, refunds_wait_for_funds: bool = False) -> None:
        self.nature = nature
        self.now = 0
        """The unix second at which something is just happening."""
        self.reversals_need_funds = reversals_need_funds
        """Whether an account may not be brought below zero by a reversal (Stripe's documents allow both readings)."""
        self.refunds_wait_for_funds = refunds_wait_for_funds
        """Whether a refund that our balance does not cover is pending until it does; else the balance goes below zero."""
        self.payments_by: dict[str, Payment] = {}
        self.charges_by: dict[str, Charge] = {}
        self.refunds_by: dict[str, Refund] = {}
        self.transfers_by: dict[str, Transfer] = {}
        self.reversals_by: dict[str, Reversal] = {}
        self.accounts_by: dict[str, Account] = {}
        self.payouts_by: dict[str, Payout] = {}
        self.disputes_by: dict[str, Dispute] = {}
        self._moment = 0.0
        self._made = 0
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._books: dict[str, Book] = {PLATFORM: Book()}
        self._events: tuple[list[ProviderEvent], list[ProviderEvent]] = ([], [])
        self._event_seconds: tuple[list[int], list[int]] = ([], [])
        self._kept: dict[str, tuple[str, tuple[Any, ...], Any, tuple[str, str] | None]] = {}
        self._ages: deque[tuple[float, str]] = deque()

    def arrive(self) -> None:
        """Let everything happen that fell due meanwhile, each at its own moment and in that order."""
        present = self.nature.unix()
        due = self._due
        while due and due[0][0] <= present:
            self._moment, _, act, args = heappop(due)
            self.now = int(self._moment)
            act(*args)
        self._moment = present
        self.now = int(present)

    def next_due(self) -> float | None:
        """The unix time of the next thing that happens by itself."""
        return self._due[0][0] if self._due else None

    def once(self, key: str, act: Callable[..., T], *args: Any) -> T:
        """Act, or say again what was said under the key in the last 24 hours, a refusal too. Raises `GatewayRefused`."""
        self._forget()
        kept = self._kept.get(key)
        if kept is not None:
            name, asked, answer, no = kept
            if name != act.__name__ or asked != args:
                raise NotKept(MISUSED, f"Keys can only be used with the same parameters they were first used with: '{key}'")
            if no is not None:
                raise GatewayRefused(*no)
            return answer
        try:
            answer = act(*args)
        except NotKept:
            raise
        except GatewayRefused as no:
            self._keep(key, act.__name__, args, None, (no.code, no.message))
            raise
        self._keep(key, act.__name__, args, answer, None)
        return answer

    def new(self, prefix: str) -> str:
        """A fresh id."""
        self._made += 1
        return f"{prefix}_{self._made}"

    def plan(self, seconds: float, act: Callable[..., object], *args: Any) -> None:
        """Let something happen by itself later."""
        self._made += 1
        heappush(self._due, (self._moment + seconds, self._made, act, args))

    def post(  # noqa: PLR0913  # what a movement is
        self, owner: str, kind: str, source: str, amount: int, currency: str, *, fee: int = 0, available_on: int = 0
    ) -> Movement:
        """Book a movement; `amount` is signed, before the fee. Available at once by default."""
        book = self._books[owner]
        purse = book.purses.get(currency)
        if purse is None:
            purse = book.purses[currency] = Purse()
        net = amount - fee
        purse.add(net, available_on, self.now)
        at = datetime.fromtimestamp(self.now, UTC)
        moved = Movement(id=self.new("txn"), kind=kind, source=source, amount=amount, fee=fee, net=net, currency=currency, at=at)
        book.moved.append(moved)
        book.seconds.append(self.now)
        return moved

    def balance(self, account: str | None, currency: str) -> Funds:
        """What an account, or we (None), have in one currency."""
        purse = self.purse(account or PLATFORM, currency)
        return Funds(available=purse.available, pending=purse.pending)

    def purse(self, owner: str, currency: str) -> Purse:
        """One currency of one balance, as it is now."""
        book = self._books.get(owner)
        purse = None if book is None else book.purses.get(currency)
        if purse is None:
            return Purse()
        purse.settle(self.now)
        return purse

    def funds(self, account: str | None) -> dict[str, Funds]:
        """All currencies of a balance. Raises `GatewayRefused`."""
        book = self._book(account)
        return {currency: self.balance(account, currency) for currency in sorted(book.purses)}

    def movements(self, account: str | None = None, *, since: int = 0, until: int | None = None) -> list[Movement]:
        """What moved on a balance, oldest first. Raises `GatewayRefused`."""
        book = self._book(account)
        end = None if until is None else bisect_left(book.seconds, until)
        return book.moved[bisect_left(book.seconds, since) : end]

    def announce(self, kind: str, subject: str, account: str | None = None, *, of: str = "") -> None:
        """Record an event; `of` is the order, for the story."""
        of_accounts = account is not None
        event = ProviderEvent(id=self.new("evt"), kind=kind, subject=subject, account=account, at=self.now)
        self._events[of_accounts].append(event)
        self._event_seconds[of_accounts].append(self.now)
        if self.nature.telling:
            self.nature.tell(f"provider: {kind} {subject} {of or account or ''}".rstrip())

    def events(self, *, since: int, accounts: bool) -> list[ProviderEvent]:
        """What happened, oldest first: to us, or on vendors' accounts."""
        return self._events[accounts][bisect_left(self._event_seconds[accounts], since) :]

    def _book(self, account: str | None) -> Book:
        book = self._books.get(account or PLATFORM)
        if book is None:
            raise NotKept("account_invalid", f"The provided key does not have access to account '{account}'.")
        return book

    def _keep(self, key: str, name: str, args: tuple[Any, ...], answer: Any, no: tuple[str, str] | None) -> None:
        self._kept[key] = (name, args, answer, no)
        self._ages.append((self._moment, key))

    def _forget(self) -> None:
        """The keys that are a day old."""
        ages, oldest = self._ages, self._moment - LIVES
        while ages and ages[0][0] <= oldest:
            del self._kept[ages.popleft()[1]]
