"""A vendor that exchanges files: its stock is held, its orders written once, its answers and parcels told."""

from pathlib import Path
from typing import Any

import asyncssh
import pytest
from msgspec.structs import replace

from spokes.flatfile.adapter import FlatFile
from tests.spokes.flatfile.conftest import Open, looked
from tests.spokes.flatfile.vendor import PASSWORD, Vendor, a_vendor
from tests.spokes.told import Told, key
from tests.vendor_sdk import orders
from vendor_sdk.adapter import read_config
from vendor_sdk.errors import Misconfigured, NeedsReauth, Rejected, Retry
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Kept,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Released,
    Reserved,
    Shipped,
    Shortfall,
)


def told(shop: FlatFile) -> dict[tuple[str, str], object]:
    assert isinstance(shop.facts, Told)
    return dict(shop.facts.facts)


async def test_a_sub_order_from_its_reservation_to_its_arrival(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.stock("mug", 3)
    await looked(shop)
    assert isinstance(await shop.reserve(orders.reserve("s1"), key("r1")), Reserved)
    assert isinstance(await shop.reserve(orders.reserve("s2"), key("r2")), Refused)
    assert isinstance(await shop.submit(orders.submit("s1"), key("o1")), Accepted)
    assert vendor.names("orders") == []
    assert await shop.ship(orders.ship("s1"), key("h1")) == Pending(sub_order_id="s1")
    (order,) = vendor.take()
    assert (order["sub_order_id"], order["sku"], order["quantity"], order["title"], order["city"]) == ("s1", "mug", "2", "Mug", "Lisbon")
    vendor.put("shipments-1.csv", "sub_order_id,carrier,tracking_number\ns1,Post,T1\ns1,Post,T2\n")
    await looked(shop)
    shipped = Shipped(sub_order_id="s1", parcels=[Parcel(carrier="Post", tracking_number=number) for number in ("T1", "T2")])
    assert told(shop) == {("h1", "shipping.shipped"): shipped}
    assert await shop.ship(orders.ship("s1"), key("h1", attempt=2)) == shipped
    assert await shop.recall(orders.recall("s1", "o1"), key("c1")) == Kept(sub_order_id="s1")
    assert isinstance(await shop.track(orders.track("s1"), key("t1")), Pending)
    vendor.put("shipments-2.csv", "sub_order_id;status;carrier;tracking_number\r\ns1;Delivered;;\r\n")
    await looked(shop)
    assert await shop.track(orders.track("s1"), key("t1")) == Delivered(sub_order_id="s1")
    assert vendor.take() == []
    assert isinstance(await shop.reserve(orders.reserve("s3"), key("r3")), Refused)
    assert isinstance(await shop.reserve(orders.reserve("s3", quantity=1), key("r3")), Reserved)


async def test_what_is_given_back_is_free_and_what_expires_too(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.stock("mug", 2)
    await looked(shop)
    for _ in range(2):
        await shop.reserve(orders.reserve("s1"), key("r1"))
    assert isinstance(await shop.reserve(orders.reserve("s2"), key("r2")), Refused)
    for _ in range(2):
        assert await shop.release(orders.release("s1", "r1"), key("l1")) == Released(sub_order_id="s1")
    assert isinstance(await shop.reserve(orders.reserve("s2"), key("r2")), Reserved)
    assert isinstance(await shop.submit(orders.submit("s1"), key("o1")), Declined)
    assert isinstance(await shop.submit(orders.submit("s3", sku="unknown"), key("o3")), Declined)


async def test_a_vendor_that_is_asked_answers_by_file(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop(accept="by_file")
    vendor.stock("mug", 9)
    await looked(shop)
    for name in ("s1", "s2", "s3", "s4"):
        assert isinstance(await shop.submit(orders.submit(name), key(f"o-{name}")), Pending)
    asked = vendor.take("requests")
    assert [(row["sub_order_id"], row["unit_price"], row["currency"]) for row in asked] == [(f"s{n}", "12.50", "EUR") for n in range(1, 5)]
    header = "sub_order_id,answer,sku,quantity,reason\n"
    vendor.put("answers.csv", f"{header}s1,yes,,,\ns2,NO,,,No longer sold!\ns3,accepted,mug,1,out of stock\ns4,perhaps,,,\n")
    await looked(shop)
    short = [Shortfall(sku="mug", quantity=1, reason="out_of_stock")]
    assert told(shop) == {
        ("o-s1", "orders.accepted"): Accepted(sub_order_id="s1", reference="o-s1"),
        ("o-s2", "orders.declined"): Declined(sub_order_id="s2", reason="no_longer_sold"),
        ("o-s3", "orders.accepted"): Accepted(sub_order_id="s3", reference="o-s3", short=short),
    }
    assert isinstance(await shop.submit(orders.submit("s4"), key("o-s4", attempt=2)), Pending)
    assert isinstance(await shop.submit(orders.submit("s2"), key("o-s2", attempt=2)), Declined)
    assert vendor.report()[1] == ("5", "answer", "one of accepted, accept, yes, declined, decline, no")
    assert vendor.names("requests") == []


async def test_a_recall_gets_the_order_back_unless_the_vendor_has_taken_it(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.stock("mug", 9)
    await looked(shop)
    for name in ("s1", "s2", "s3"):
        await shop.submit(orders.submit(name), key(f"o-{name}"))
    assert isinstance(await shop.recall(orders.recall("s1", "o-s1"), key("c1")), Recalled)
    with pytest.raises(Rejected, match="recalled"):
        await shop.ship(orders.ship("s1"), key("h1"))
    for name in ("s2", "s3"):
        await shop.ship(orders.ship(name), key(f"h-{name}"))
    for _ in range(2):
        assert isinstance(await shop.recall(orders.recall("s2", "o-s2"), key("c2")), Recalled)
    assert [row["sub_order_id"] for row in vendor.take()] == ["s3"]
    assert await shop.recall(orders.recall("s3", "o-s3"), key("c3")) == Kept(sub_order_id="s3", reason="in_fulfillment")
    assert isinstance(await shop.ship(orders.ship("s3"), key("h-s3", attempt=2)), Pending)
    assert isinstance(await shop.recall(orders.recall("never", "o9"), key("c9")), Recalled)
    assert isinstance(await shop.submit(orders.submit("never"), key("o9")), Declined)


async def test_a_request_that_is_recalled_is_canceled_by_file(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop(accept="by_file")
    vendor.stock("mug", 2)
    await looked(shop)
    await shop.submit(orders.submit("s1"), key("o1"))
    for _ in range(2):
        assert isinstance(await shop.recall(orders.recall("s1", "o1"), key("c1")), Recalled)
    assert [row["sub_order_id"] for row in vendor.take("cancellations")] == ["s1"]
    assert isinstance(await shop.submit(orders.submit("s2"), key("o2")), Pending)


async def test_all_is_remembered_when_it_opens_again(vendor: Vendor, open_shop: Open) -> None:
    first = await open_shop()
    vendor.stock("mug", 2)
    await looked(first)
    await first.submit(orders.submit("s1"), key("o1"))
    await first.ship(orders.ship("s1"), key("h1"))
    vendor.take()
    second = await open_shop()
    assert isinstance(await second.ship(orders.ship("s1"), key("h1", attempt=2)), Pending)
    assert vendor.take() == []
    assert isinstance(await second.reserve(orders.reserve("s2"), key("r2")), Refused)


async def test_a_buyers_text_is_never_a_formula(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.stock("mug", 2)
    await looked(shop)
    ship = orders.ship("s1")
    evil = replace(ship.ship_to, name='=cmd|"/c calc"!A0', line1="a\nb, c")
    await shop.ship(replace(ship, ship_to=evil), key("h1"))
    (order,) = vendor.take()
    assert (order["name"], order["line1"]) == ('\'=cmd|"/c calc"!A0', "a b, c")


@pytest.mark.parametrize("vendor", ["sftp"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "error"),
    [("busy", Retry), ("full", Retry), ("hangup", Retry), ("forbidden", Misconfigured)],
    ids=["busy", "full", "cut", "rights"],
)
async def test_a_server_that_fails_is_asked_again_and_writes_once(
    vendor: Vendor, open_shop: Open, fault: str, error: type[Exception]
) -> None:
    shop = await open_shop()
    vendor.stock("mug", 2)
    await looked(shop)
    for _ in range(2):
        vendor.fault(fault)
        with pytest.raises(error):
            await shop.ship(orders.ship("s1"), key("h1"))
    assert isinstance(await shop.ship(orders.ship("s1"), key("h1")), Pending)
    assert len(vendor.take()) == 1
    assert vendor.names("work") == []


async def test_only_the_pinned_host_and_the_right_password_will_do(tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    async with a_vendor(tmp_path / "vendor", over_sftp=True) as vendor:
        for wrong, error in (({"host_key": other}, Misconfigured), ({"host_key": "AAAA"}, Misconfigured), ({"password": "x"}, NeedsReauth)):
            shop = FlatFile("acme", _settings(vendor, wrong), Told(), tmp_path / "data")
            with pytest.raises(error) as caught:
                await shop.open()
            assert PASSWORD not in str(caught.value)
    shop = FlatFile("acme", _settings(vendor, {}), Told(), tmp_path / "data")
    with pytest.raises(Retry):
        await shop.open()


async def test_a_key_signs_in_where_there_is_no_password(tmp_path: Path) -> None:
    mine = asyncssh.generate_private_key("ssh-ed25519")
    mine.write_private_key(tmp_path / "key")
    async with a_vendor(tmp_path / "vendor", over_sftp=True, client_key=mine) as vendor:
        shop = FlatFile("acme", _settings(vendor, {"password": "", "key_file": str(tmp_path / "key")}), Told(), tmp_path / "data")
        await shop.open()
        vendor.stock("mug", 2)
        await looked(shop)
        assert isinstance(await shop.reserve(orders.reserve("s1"), key("r1")), Reserved)
        await shop.close()


def _settings(vendor: Vendor, more: dict[str, Any]) -> Any:
    return read_config(FlatFile, vendor.settings | {"poll": 3600} | more)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"folder": "relative"}, "folder"),
        ({"host": "a.example", "username": "u", "password": "p"}, "host_key"),
        ({"host": "a.example", "host_key": "k", "username": "u"}, "username"),
        ({"accept": "maybe"}, "accept"),
        ({"poll": 0}, "poll"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_settings_that_cannot_work_are_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        read_config(FlatFile, {"folder": "/srv/acme"} | wrong)
