"""What buyers send back to you."""

from collections.abc import AsyncIterator, Sequence

from vendor_sdk.client.aio.sender import Sender
from vendor_sdk.client.answers import Page
from vendor_sdk.client.answers.returns import Return
from vendor_sdk.client.call import get, listed, said, write
from vendor_sdk.messages import Document, Inspected

WHERE = "returns"


class Returns:
    """Returns, by their ids."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, state: str | None = None) -> AsyncIterator[Return]:
        """Each of yours, newest first."""
        return self._send.each(listed(Return, WHERE, state=state, limit=100))

    async def page(self, *, state: str | None = None, limit: int = 20, cursor: str | None = None) -> Page[Return]:
        """A page of the same."""
        return await self._send(listed(Return, WHERE, state=state, limit=limit, cursor=cursor))

    async def get(self, return_id: str) -> Return:
        """One of them."""
        return await self._send(get(Return, WHERE, return_id))

    async def authorize(
        self,
        return_id: str,
        *,
        reference: str = "",
        instructions: str = "",
        documents: Sequence[Document] = (),
        key: str | None = None,
    ) -> Return:
        """Let the buyer send the units; it sees your number of the return, what you say of the way, and the papers it has to print."""
        body = said(reference=reference, instructions=instructions, documents=list(documents) or None)
        return await self._send(write(Return, "POST", WHERE, return_id, "authorize", body=body, key=key))

    async def refuse(self, return_id: str, reason: str, detail: str = "", *, key: str | None = None) -> Return:
        """Take nothing back, before the buyer may send it."""
        return await self._send(write(Return, "POST", WHERE, return_id, "refuse", body={"reason": reason, "detail": detail}, key=key))

    async def receive(self, return_id: str, items: Sequence[Inspected], *, key: str | None = None) -> Return:
        """Tell what came back, and how. The buyer's refund follows at once, and good units are for sale again."""
        return await self._send(write(Return, "POST", WHERE, return_id, "receive", body={"items": list(items)}, key=key))
