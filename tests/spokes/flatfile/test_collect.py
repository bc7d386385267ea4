"""A vendor's files are collected when they are whole, once each, and what is wrong with them is said by line and field."""

import hashlib
import os
from pathlib import Path

import msgspec
import pytest

from spokes.flatfile.adapter import FlatFile
from spokes.flatfile.settings import Settings
from spokes.flatfile.sftp import SftpFolder
from tests.spokes.flatfile.conftest import Open, looked
from tests.spokes.flatfile.vendor import Vendor, a_vendor
from tests.spokes.told import Told, key
from tests.vendor_sdk import orders
from vendor_sdk.errors import Retry
from vendor_sdk.messages import Refused, Reserved


async def units(shop: FlatFile, sku: str = "mug") -> int:
    """How many of a SKU can be had, counted by taking them."""
    for count in range(1, 99):
        if isinstance(await shop.reserve(orders.reserve("count", sku=sku, quantity=count), key(f"count-{count}")), Refused):
            await shop.release(orders.release("count", f"count-{count - 1}"), key("l"))
            return count - 1
    raise AssertionError("more than 98")


async def test_a_bad_row_is_said_by_line_and_field_and_the_rest_is_loaded(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.put("stock.csv", 'sku,quantity\nmug,4\n,5\ncup,many\n\npot,-1\n"lid\nnew",2\nlid,1.000\njar,7.0\nbox\n')
    await looked(shop)
    assert vendor.report() == [
        ("0", "", "2 rows loaded, 6 not"),
        ("3", "sku", "it is missing"),
        ("4", "quantity", "a whole number from 0 to 1000000, not 'many'"),
        ("6", "quantity", "a whole number from 0 to 1000000, not '-1'"),
        ("8", "sku", "control characters"),
        ("9", "quantity", "a whole number from 0 to 1000000, not '1.000'"),
        ("11", "quantity", "a whole number from 0 to 1000000, not ''"),
    ]
    assert (await units(shop), await units(shop, "jar")) == (4, 7)
    assert vendor.names("in") == vendor.names("failed") == vendor.names("work") == []


@pytest.mark.parametrize(
    "body",
    [
        "sku,quantity,title\nmøg,4,naïve\n".encode(),
        "\ufeffSKU;Quantity;Title\r\nmøg;4;naïve\r\n".encode(),
        "sku;quantity;title\nmøg;4,0;“naïve”\n".encode("cp1252"),
        "sku\tquantity\nmøg\t4\n".encode("utf-16"),
        'title,"Quantity","sku"\n"a, b",4,"møg"\n'.encode(),
    ],
    ids=["utf-8", "excel", "windows", "utf-16", "quoted"],
)
async def test_a_file_may_be_written_as_spreadsheets_write_it(vendor: Vendor, open_shop: Open, body: bytes) -> None:
    shop = await open_shop()
    vendor.put("Stock 2026-01-31.csv", body)
    await looked(shop)
    assert await units(shop, "møg") == 4


async def test_a_vendors_own_names_of_columns(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop(columns={"Artikel-Nr": "sku", "Bestand": "quantity"})
    vendor.put("stock.csv", "ARTIKEL NR;bestand;Lager\nmug;3;Nord\n")
    await looked(shop)
    assert await units(shop) == 3


@pytest.mark.parametrize(
    ("body", "line", "field"),
    [
        (b"", "0", ""),
        (b"sku,quantity\n", "0", ""),
        (b"sku,amount\nmug,4\n", "1", "quantity"),
        (b"sku,quantity,SKU\nmug,4,x\n", "1", "sku"),
        (b'sku,quantity\nmug,4\n"cup,5\n', "3", ""),
        (b"sku,quantity\nmug\0,4\n", "0", ""),
        (b"sku,quantity\nm\x81g,4\n", "0", ""),
        (b"\xff\xfe\x00", "0", ""),
    ],
    ids=["empty", "header", "missing", "twice", "quote", "nul", "encoding", "utf-16"],
)
async def test_a_file_that_cannot_be_used_fails_as_a_whole_and_says_where(
    vendor: Vendor, open_shop: Open, body: bytes, line: str, field: str
) -> None:
    shop = await open_shop()
    vendor.put("stock.csv", body)
    await looked(shop)
    assert vendor.report("failed")[1][:2] == (line, field)
    assert len(vendor.names("failed")) == 2
    assert vendor.names("in") == vendor.names("done") == []
    assert await units(shop) == 0


async def test_a_file_that_is_still_growing_waits_until_it_is_whole(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.put("stock.csv", "sku,quantity\nmug,1")
    await shop.look()
    vendor.put("stock.csv", "sku,quantity\nmug,12\n")
    await shop.look()
    assert vendor.names("done") == []
    await shop.look()
    assert await units(shop) == 12


async def test_other_names_are_let_lie(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    for name in ("stock.csv.part", ".stock.csv", "prices.csv", "stock.xlsx", "stock\n.csv", "stock..", "stock-" + "x" * 150 + ".csv"):
        vendor.put(name, "sku,quantity\nmug,4\n")
    (vendor.root / "in" / "stock-folder.csv").mkdir()
    (vendor.root / "secret.csv").write_text("sku,quantity\nmug,9\n")
    (vendor.root / "in" / "stock-link.csv").symlink_to(vendor.root / "secret.csv")
    (vendor.root / "in" / os.fsdecode(b"stock-\xfc.csv")).write_text("sku,quantity\nmug,9\n")
    await looked(shop)
    assert len(vendor.names("in")) == 10
    assert vendor.names("done") == vendor.names("failed") == []
    (vendor.root / "in" / "stock.csv.part").rename(vendor.root / "in" / "stock.csv")
    await looked(shop)
    assert await units(shop) == 4


async def test_a_file_that_is_too_large_is_not_even_read(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop(file_bytes_max=100)
    vendor.put("stock.csv", "sku,quantity\n" + "mug,4\n" * 100)
    await looked(shop)
    assert vendor.report("failed")[1] == ("0", "", "larger than 100 bytes")
    assert await units(shop) == 0


async def test_a_stock_that_comes_twice_does_not_bring_back_what_was_sent(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    for name in ("stock-1.csv", "stock-2.csv"):
        vendor.put(name, "sku,quantity\nmug,4\n")
        await looked(shop)
        if name == "stock-1.csv":
            await shop.ship(orders.ship("s1"), key("h1"))
            vendor.put("shipments.csv", "sub_order_id,carrier,tracking_number\ns1,Post,1\n")
            await looked(shop)
    assert await units(shop) == 2
    vendor.put("stock-3.csv", "sku,quantity\nmug,3\n")
    await looked(shop)
    vendor.put("stock-4.csv", "sku,quantity\nmug,4\n")
    await looked(shop)
    assert await units(shop) == 4


async def test_shipments_that_come_twice_are_told_once_and_strangers_never(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.stock("mug", 9)
    await looked(shop)
    await shop.ship(orders.ship("s1"), key("h1"))
    await shop.submit(orders.submit("s2"), key("o2"))
    header = "sub_order_id,status,carrier,tracking_number\n"
    vendor.put("shipments-1.csv", f"{header}s1,,Post,1\ns2,,Post,2\nother,,Post,3\n../x,,Post,4\ns2,delivered,,\ns1,lost,,\n")
    await looked(shop)
    assert vendor.report() == [
        ("0", "", "1 rows loaded, 5 not"),
        ("3", "sub_order_id", "it is accepted, and not to be sent"),
        ("4", "sub_order_id", "there is no such sub-order"),
        ("5", "sub_order_id", "Expected `str` matching regex '^[A-Za-z0-9._-]+$'"),
        ("6", "sub_order_id", "it is accepted, and not to be sent"),
        ("7", "status", "one of shipped, delivered"),
    ]
    assert isinstance(shop.facts, Told)
    assert list(shop.facts.facts) == [("h1", "shipping.shipped")]
    vendor.put("shipments-2.csv", f"{header}s1,,Post,1\n")
    await looked(shop)
    assert vendor.report("failed")[1] == ("2", "sub_order_id", "it is shipped")


async def test_where_a_catalog_was_loaded_stock_is_of_what_it_names(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    good = "mug;Mug;12,50;EUR\ncup;Cup;1.234,5;eur\n"
    bad = "pot;Pot;1.234;EUR\nlid;Lid;12,505;EUR\nbox;Box;-1;EUR\njar;Jar;99;€\n"
    vendor.put("catalog.csv", f"sku;title;price;currency\n{good}{bad}")
    await looked(shop)
    assert [(line, field) for line, field, _ in vendor.report()[1:]] == [("4", "price"), ("5", "price"), ("6", "price"), ("7", "currency")]
    vendor.put("stock.csv", "sku,quantity\nmug,1\nhat,1\n")
    await looked(shop)
    assert vendor.report()[1:] == [("3", "sku", "it is not in the catalog")]
    assert isinstance(await shop.reserve(orders.reserve("s1", quantity=1), key("r1")), Reserved)


async def test_older_files_are_loaded_first(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    for name, count, age in (("stock-a.csv", 9, 0), ("stock-b.csv", 1, 60)):
        vendor.put(name, f"sku,quantity\nmug,{count}\n")
        path = vendor.root / "in" / name
        os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
    await looked(shop)
    assert await units(shop) == 9


async def test_a_file_that_cannot_be_filed_keeps_no_later_one_from_being_loaded(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    body = "sku,quantity\nmug,1\n"
    (vendor.root / "done" / f"{hashlib.sha256(body.encode()).hexdigest()[:12]}-stock-a.csv").mkdir()
    vendor.put("stock-a.csv", body)
    os.utime(vendor.root / "in" / "stock-a.csv", (1, 1))
    vendor.put("stock-b.csv", "sku,quantity\nmug,12\n")
    await looked(shop)
    assert vendor.names("in") == ["stock-a.csv"]
    assert await units(shop) == 12


async def test_where_a_server_renames_over_nothing_the_same_file_is_filed_again(vendor: Vendor, open_shop: Open) -> None:
    shop = await open_shop()
    vendor.has_posix_rename = False
    for name in ("stock.csv", "stock.csv", "stock-later.csv"):
        vendor.put(name, f"sku,quantity\nmug,{len(name)}\n")
        await looked(shop)
    assert vendor.names("in") == []
    assert await units(shop) == len("stock-later.csv")


async def test_what_a_vendor_takes_from_is_never_written_over_by_a_second_rename(tmp_path: Path) -> None:
    async with a_vendor(tmp_path, over_sftp=True) as vendor:
        vendor.has_posix_rename = False
        folder = SftpFolder(msgspec.convert(vendor.settings, Settings))
        await folder.open()
        for part in ("done", "orders"):
            (tmp_path / part / "x.csv").write_text("there")
            await folder.write("work/x.csv", b"new")
            if part == "orders":
                with pytest.raises(Retry):
                    await folder.move("work/x.csv", "orders/x.csv")
            else:
                await folder.move("work/x.csv", "done/x.csv")
        assert [(tmp_path / part / "x.csv").read_text() for part in ("done", "orders", "work")] == ["new", "there", "new"]
        await folder.close()
