"""What arrives on our bank account, over HTTP, for operators: expected payments, bank files, receipts nobody could match."""

import hashlib
from typing import Annotated, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from hub.gateways.bank import camt, csv_file, receive, store
from hub.gateways.bank.model import (
    FILE_CHARACTERS_MAX,
    Assignment,
    BankFile,
    BankLine,
    BankOrder,
    BankPayment,
    FileReport,
    NewReceipt,
    PaymentView,
    SendTo,
)
from hub.gateways.bank.states import BankPaymentState
from hub.kernel.errors import NotFound
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors.money_terms import BankAccount

Reference = Annotated[str, PathParameter(max_length=50)]
Id = Annotated[str, PathParameter(max_length=64)]
InState = Annotated[BankPaymentState | None, QueryParameter(name="state", description="only payments in this state")]
Known = Annotated[Literal["all"] | None, QueryParameter(name="show", description="`all`, or receipts that belong to no payment yet")]

BODY_BYTES_MAX = 2 * FILE_CHARACTERS_MAX


class BankReceiptController(Controller):
    """What buyers send by bank transfer."""

    path = "/v1/admin/bank"
    tags = ["bank transfers"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/payments", responses=refuses())
    async def payments(
        self, read: Reading, in_state: InState = None, limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[BankPayment]]:
        """What is expected of buyers, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[BankPayment]:
            return page(await store.payments(tx, state=in_state, after=after, limit=limit + 1), limit, lambda payment: payment.id)

        return await read(found)

    @get("/payments/{reference:str}", responses=refuses(404))
    async def payment(self, reference: Reference, read: Reading) -> Response[PaymentView]:
        """One of them, with what came in and what goes back for it."""

        async def found(tx: Tx) -> PaymentView:
            payment = await store.payment(tx, reference)
            if payment is None:
                raise NotFound("unknown_bank_payment", f"no payment is expected under {reference}")
            receipts, orders = await store.receipts_of(tx, payment.id), await store.orders_of_payment(tx, payment.id)
            return PaymentView(payment=payment, receipts=receipts, orders=orders)

        return await read(found)

    @post("/payments/{reference:str}/receipts", responses=refuses_write(404))
    async def confirm(self, reference: Reference, data: JSONBody[NewReceipt], write: Writing) -> Response[BankPayment]:
        """Say that money for a payment is on the account. The bank's own id keeps a later file from counting it again."""
        return await write(lambda tx: receive.confirm(tx, reference, data), status=201)

    @post("/files", request_max_body_size=BODY_BYTES_MAX, status_code=200, responses=refuses_write())
    async def upload(self, data: JSONBody[BankFile], write: Writing, bank_account: NamedDependency[BankAccount]) -> Response[FileReport]:
        """Book a statement of the account, wholly or not at all; lines that are known already are left alone."""
        lines = csv_file.read(data.content) if data.format == "csv" else camt.read(data.content, bank_account.iban)
        source = f"file:{hashlib.sha256(data.content.encode()).hexdigest()[:16]}"
        return await write(lambda tx: receive.book_file(tx, lines, source))

    @get("/receipts", responses=refuses())
    async def receipts(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, known: Known = None) -> Response[Page[BankLine]]:
        """Lines of the account, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[BankLine]:
            return page(await store.lines(tx, unmatched=known is None, after=after, limit=limit + 1), limit, lambda line: line.id)

        return await read(found)

    @post("/receipts/{receipt_id:str}/assign", status_code=200, responses=refuses_write(404))
    async def assign(self, receipt_id: Id, data: JSONBody[Assignment], write: Writing) -> Response[BankPayment]:
        """Say which payment an unmatched receipt is for."""
        return await write(lambda tx: receive.assign(tx, receipt_id, data))

    @post("/receipts/{receipt_id:str}/send-back", status_code=200, responses=refuses_write(404))
    async def send_back(self, receipt_id: Id, data: JSONBody[SendTo], write: Writing) -> Response[BankOrder]:
        """Send an unmatched receipt back to where it came from, or to another account."""
        return await write(lambda tx: receive.send_back(tx, receipt_id, data))
