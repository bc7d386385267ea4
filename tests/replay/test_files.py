"""Reading recorded orders: what is in the files comes out, and whatever is not as agreed is named with file, line and column."""

from pathlib import Path

import pytest

from hub.replay.expected import expect
from hub.replay.files import BadFile, Good, read
from tests.replay.history import ITEMS, VENDORS, save, write

ROW = ["o1", "1", "p1", "s1", "2018-07-10T12:30:00", "21.90", "12.69"]
HEADER, LINE = ",".join(ITEMS), ",".join(ROW)
SHOP = ["s1", "01310", "sao paulo", "SP"]


def files(folder: Path, *rows: list[str], shops: list[list[str]] | None = None) -> Path:
    save(folder / "items.csv", ITEMS, list(rows))
    save(folder / "vendors.csv", VENDORS, [SHOP] if shops is None else shops)
    return folder


def test_equal_rows_are_units_of_one_line(tmp_path: Path):
    history = read(files(tmp_path, ROW, ["o1", "2", *ROW[2:]], ["o1", "3", *ROW[2:5], "22.90", "0.00"], ["o2", *ROW[1:]]))
    cheap, dear = Good("s1", "p1", 2190, 1269), Good("s1", "p1", 2290, 0)
    assert [order.units for order in history.orders] == [{cheap: 2, dear: 1}, {cheap: 1}]
    assert history.orders[0].total == 2 * (2190 + 1269) + 2290
    assert history.demand() == {cheap: 3, dear: 1}


def test_only_vendors_of_the_orders_asked_for_are_named(tmp_path: Path):
    second = ["o2", "1", "p2", "s2", *ROW[4:]]
    folder = files(tmp_path, ROW, second, shops=[SHOP, ["s2", *SHOP[1:]]])
    assert [shop.code for shop in read(folder, limit=1).shops] == ["v-s1"]
    assert [shop.code for shop in read(folder).shops] == ["v-s1", "v-s2"]


def test_commission_is_rounded_half_up_per_sub_order(tmp_path: Path):
    history = read(files(tmp_path, ["o1", *ROW[1:5], "0.05", "1.00"], ["o2", *ROW[1:5], "0.05", "1.00"]))
    expected = expect(history.orders, commission_bps=1_000)  # half a cent each
    assert (expected.commission, expected.shares, expected.captured) == (2, {"s1": 208}, 210)


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("order_id", "", "no id"),
        ("order_id", "o 1", "no id"),
        ("line", "one", "no number"),
        ("line", "-1", "no number"),
        ("vendor_id", "s9", "not in vendors.csv"),
        ("product_id", "../etc", "no id"),
        ("ship_by", "soon", "soon"),
        ("price", "21.9", "no amount"),
        ("price", "-1.00", "no amount"),
        ("price", "1e3", "no amount"),
        ("price", "0.00", "nothing"),
        ("freight", "", "no amount"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(tmp_path: Path, column: str, value: str, complaint: str):
    wrong = [value if name == column else good for name, good in zip(ITEMS, ["o2", *ROW[1:]], strict=True)]
    with pytest.raises(BadFile, match=rf"^items\.csv:3: {column}: .*{complaint}"):
        read(files(tmp_path, ROW, wrong))


def test_a_line_stands_once_in_an_order(tmp_path: Path):
    with pytest.raises(BadFile, match=r"items\.csv:3: line: .*twice"):
        read(files(tmp_path, ROW, ROW))


def test_a_vendor_stands_once(tmp_path: Path):
    with pytest.raises(BadFile, match=r"vendors\.csv:3: vendor_id: s1 stands twice"):
        read(files(tmp_path, ROW, shops=[SHOP, SHOP]))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HEADER},coupon\n{LINE},x\n", r"items\.csv:1: the columns"),
        (f"{HEADER.replace('price,', '')}\n{LINE}\n", r"items\.csv:1: the columns"),
        ("", r"items\.csv:1: the columns"),
        (f"{HEADER}\n{LINE}\no2,1\n", r"items\.csv:3: 2 fields instead of 7"),
        (f'{HEADER}\n{LINE}\n"o2', r"items\.csv:3: "),
        (f"{HEADER}\n", "there are no orders"),
    ],
)
def test_a_wrong_form_is_named(tmp_path: Path, text: str, complaint: str):
    (files(tmp_path, ROW) / "items.csv").write_text(text)
    with pytest.raises(BadFile, match=complaint):
        read(tmp_path)


def test_text_that_is_no_utf8_is_named(tmp_path: Path):
    vendors = files(tmp_path, ROW) / "vendors.csv"
    vendors.write_bytes(vendors.read_bytes().replace(b"sao paulo", b"s\xe3o paulo"))
    with pytest.raises(BadFile, match=r"vendors\.csv"):
        read(tmp_path)


def test_a_missing_file_is_an_os_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path)


def test_the_small_history_is_of_the_form(tmp_path: Path):
    history = read(write(tmp_path / "orders"))
    assert len(history.orders) == 60
    assert sum(len({good.vendor for good in order.units}) > 1 for order in history.orders) == 40
    assert any(count > 1 for order in history.orders for count in order.units.values())
