"""A storekeeper works with files, whoever worked before and however that ended; the people end when they are told to."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from spokes.sample.staff import Pace, Staff
from spokes.sample.storekeeper import Storekeeper

NOW = Pace(ship_after=0, deliver_after=0)
NAME = "order-cmd_1.csv"


@pytest.fixture
def exchange(tmp_path: Path) -> Path:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / NAME).write_text("sub_order_id,sku,quantity\nsub_1,MUG,2\nsub_1,CUP,1\n")
    return tmp_path


def where(exchange: Path) -> list[str]:
    return [path.parent.name for path in exchange.rglob(NAME)]


def told(exchange: Path) -> list[tuple[str, str]]:
    return [
        (row["sub_order_id"], row["status"])
        for path in sorted((exchange / "in").iterdir())
        for row in csv.DictReader(path.read_text().splitlines())
    ]


def test_an_order_is_taken_sent_and_arrives_and_its_vendor_is_told_once(exchange: Path) -> None:
    seen: list[tuple[list[str], int]] = []
    for _ in range(4):
        Storekeeper(exchange, NOW).look()
        seen.append((where(exchange), len(told(exchange))))
    assert seen == [(["taken"], 0), (["sent"], 1), (["arrived"], 2), (["arrived"], 2)]
    assert sorted(told(exchange)) == [("sub_1", "delivered"), ("sub_1", "shipped")]


def test_nothing_leaves_before_its_time(exchange: Path) -> None:
    keeper = Storekeeper(exchange, Pace(ship_after=60, deliver_after=60))
    for _ in range(3):
        keeper.look()
    assert (where(exchange), told(exchange)) == (["taken"], [])


def test_who_died_before_an_order_was_put_away_writes_the_same_file_again(exchange: Path) -> None:
    keeper = Storekeeper(exchange, NOW)
    keeper.look()
    keeper.look()
    (exchange / "sent" / NAME).rename(exchange / "taken" / NAME)
    first = {path.name: path.read_bytes() for path in (exchange / "in").iterdir()}
    keeper.look()
    assert {path.name: path.read_bytes() for path in (exchange / "in").iterdir()} == first


def test_the_people_work_until_they_are_told_to_end(exchange: Path, tmp_path: Path) -> None:
    staff = tmp_path / "staff.json"
    staff.write_bytes(msgspec.json.encode(Staff(storekeepers={"cedar": str(exchange)}, clerks={"bolt": "a-key-of-bolt"}, pace=NOW)))
    command = [sys.executable, "-m", "spokes.sample", str(staff), "--url", "http://127.0.0.1:9"]  # the clerk finds nobody there
    people = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while where(exchange) != ["arrived"] and time.monotonic() < deadline:
        time.sleep(0.05)
    people.send_signal(signal.SIGTERM)
    _, said = people.communicate(timeout=10)
    assert (people.returncode, where(exchange)) == (0, ["arrived"]), said
