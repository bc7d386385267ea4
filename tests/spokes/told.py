"""Facts as an adapter tells them, kept."""

from vendor_sdk.messages import Message
from vendor_sdk.ports import Context


class Told:
    """In place of the spoke's outbox: each fact once, by command and kind."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Message] = {}

    async def tell(self, kind: str, message: Message, *, command_id: str, after: float = 0.0) -> None:  # noqa: ARG002 - adapters of others' systems know of facts when they are true
        self.facts.setdefault((command_id, kind), message)

    async def withdraw(self, kind: str, *, command_id: str) -> bool:
        return self.facts.pop((command_id, kind), None) is not None


def key(command_id: str, attempt: int = 1) -> Context:
    return Context(command_id=command_id, attempt=attempt)
