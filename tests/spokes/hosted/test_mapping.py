"""What a recall is answered, by the state of the order; and how the client's errors are told."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from spokes.hosted.adapter import Hosted, HostedSettings
from spokes.hosted.mapping import LEFT, failure, recalled
from tests.vendor_sdk.client.hub import KEY, Hub, awaiting, no
from vendor_sdk.adapter import Adapter
from vendor_sdk.client.answers.orders import Order
from vendor_sdk.client.errors import ClientError
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Retry
from vendor_sdk.messages import Kept, Recalled
from vendor_sdk.ports import capabilities

STATES = ["placed", "reserved", "routed", "accepted", "recalling", "shipped", "delivered", "settled", "declined", "canceled", "expired"]


def order(state: str) -> Order:
    """One of which nothing else matters."""
    given: dict[str, Any] = dict.fromkeys(Order.__struct_fields__) | {"id": "sub_1", "state": state}
    return Order(**given)


@pytest.mark.parametrize("state", [*STATES, "teleported"])
def test_only_what_has_left_is_kept(state: str) -> None:
    said = recalled("sub_1", order(state))
    assert said == (Kept(sub_order_id="sub_1") if state in LEFT else Recalled(sub_order_id="sub_1"))
    assert set(STATES) >= LEFT


def test_what_is_not_known_is_recalled() -> None:
    assert recalled("sub_1", None) == Recalled(sub_order_id="sub_1")


@pytest.mark.parametrize(
    ("reply", "told", "after"),
    [
        (no(503, "too_busy", headers={"retry-after": "7"}), Retry, 7),
        (no(429, "too_many_requests"), Retry, None),
        (no(401, "not_authenticated"), NeedsReauth, None),
        (no(403, "not_allowed"), NeedsReauth, None),
        (no(400, "invalid_request"), Misconfigured, None),
        (httpx.Response(200, content=b"<html>"), Misconfigured, None),
        (httpx.ConnectError("away"), Retry, None),
    ],
)
async def test_an_error_is_told_in_the_words_of_the_sdk(
    reply: httpx.Response | Exception, told: type[AdapterError], after: float | None
) -> None:
    with pytest.raises(ClientError) as caught:
        await awaiting(Hub([reply])).orders.get("sub_1")
    said = failure(caught.value)
    assert (type(said), said.retry_after) == (told, after)


class _Facts:
    async def tell(self, *_: object, **__: object) -> None: ...

    async def withdraw(self, *_: object, **__: object) -> bool:
        return False


async def test_it_has_every_capability_and_its_key_from_the_environment_or_a_file(tmp_path: Path) -> None:
    assert capabilities(Hosted) == ["stock", "orders", "shipping"]
    (tmp_path / "key").write_text(f"{KEY}\n")
    url = "https://hub.example.com"
    for good in (HostedSettings(base_url=url, api_key=KEY), HostedSettings(base_url=url, api_key_file=str(tmp_path / "key"))):
        adapter: Adapter[HostedSettings] = Hosted("hal-x", good, _Facts(), tmp_path)
        await adapter.open()
        await adapter.close()
    missing = HostedSettings(base_url=url, api_key_file=str(tmp_path / "none"))
    for wrong, complaint in ((HostedSettings(base_url=url), "SPOKE_HAL_X_CONFIG_API_KEY"), (missing, "api_key_file")):
        with pytest.raises(Misconfigured, match=complaint):
            await Hosted("hal-x", wrong, _Facts(), tmp_path).open()
