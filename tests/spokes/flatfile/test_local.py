"""Nothing is read or written through what a vendor puts in the way."""

import os
from pathlib import Path

import pytest

from spokes.flatfile.folder import PARTS
from spokes.flatfile.local import LocalFolder
from vendor_sdk.errors import Misconfigured


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_is_a_link_is_refused(tmp_path: Path, part: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / part).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Misconfigured, match=f"{part} is a link"):
        await LocalFolder(tmp_path / "root").open()


@pytest.mark.parametrize("planted", ["link", "hard link", "dangling", "pipe", "pipe that is read"])
async def test_what_is_planted_in_work_is_not_written_through(tmp_path: Path, planted: str) -> None:
    folder, secret = LocalFolder(tmp_path / "root"), tmp_path / "authorized_keys"
    await folder.open()
    at = tmp_path / "root" / "work" / "order-1.csv"
    if planted != "dangling":
        secret.write_text("mine")
    if planted.startswith("pipe"):
        os.mkfifo(at)
    elif planted == "hard link":
        at.hardlink_to(secret)
    else:
        at.symlink_to(secret)
    reader = os.open(at, os.O_RDONLY | os.O_NONBLOCK) if planted == "pipe that is read" else None
    with pytest.raises(Misconfigured, match="link or no file"):
        await folder.write("work/order-1.csv", b"theirs")
    assert secret.exists() is (planted != "dangling")
    assert planted == "dangling" or secret.read_text() == "mine"
    if reader is not None:
        assert os.read(reader, 9) == b""
        os.close(reader)


async def test_nothing_is_read_through_a_link(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "root")
    await folder.open()
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "root" / "in" / "stock.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(Misconfigured, match="link or no file"):
        await folder.read("in/stock.csv", 9)


async def test_a_vendor_can_read_what_is_written_for_it(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    await folder.open()
    await folder.write("work/order-1.csv", b"take me")
    await folder.write("work/order-1.csv", b"me")
    assert (tmp_path / "work" / "order-1.csv").read_bytes() == b"me"
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "work" / "order-1.csv").stat().st_mode & 0o777 == 0o666 & ~umask
