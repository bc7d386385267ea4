"""Spokes as processes: killed at the worst moment, stopped by a signal, many in one, coming and going with their files."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.vendor_sdk import orders
from tests.vendor_sdk.process import ROOT, SpokeProcess, write_settings
from tests.vendor_sdk.stand import Stand, until
from vendor_sdk import subjects


@pytest_asyncio.fixture
async def processes() -> AsyncIterator[list[SpokeProcess]]:
    """What is put in here is killed after the test."""
    started: list[SpokeProcess] = []
    yield started
    for process in started:
        await process.kill()


async def test_killed_between_effect_and_answer_it_does_nothing_twice(
    stand: Stand, vendor: str, folder: Path, processes: list[SpokeProcess]
) -> None:
    write_settings(stand, folder, vendor, 'faults = [{ do = "crash_after", on = "stock.reserve", times = 1 }]')
    spoke = SpokeProcess(stand, folder, vendor)
    processes.append(spoke)
    await spoke.start()
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    assert await spoke.ended() == 70
    assert stand.effects(vendor) == [(f"{vendor}.r", "reserve")]
    assert stand.count(f"{vendor}.r.reserved") == 0
    assert [path.name for path in stand.data.glob("*.sqlite*") if path.stat().st_mode & 0o077] == []  # orders name people
    await spoke.start()
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r", attempt=2)
    await stand.event(f"{vendor}.r.reserved", attempt=2)
    assert stand.calls(vendor, f"{vendor}.r") == 2
    assert stand.effects(vendor) == [(f"{vendor}.r", "reserve")]


async def test_killed_between_answer_and_ack_it_answers_from_memory(
    stand: Stand, vendor: str, folder: Path, processes: list[SpokeProcess]
) -> None:
    """The vendor's system here forgets its keys: only the spoke's own memory stands between one effect and two."""
    impatient = (await stand.js.consumer_info(subjects.command_stream(vendor), subjects.spoke_consumer("shipping"))).config
    await stand.js.add_consumer(subjects.command_stream(vendor), impatient.evolve(backoff=None, ack_wait=1.0))
    write_settings(stand, folder, vendor, "forgetful = true\nship_after = 1.0\ndeliver_after = 0.0")
    spoke = SpokeProcess(stand, folder, vendor)
    processes.append(spoke)
    await spoke.start()
    for number in range(30):
        await stand.command(vendor, orders.ship(f"sub-{number}"), f"{vendor}.h{number}")
    await stand.event(f"{vendor}.h3.pending")
    assert await spoke.kill() == -signal.SIGKILL
    answered = {command_id for command_id, _ in stand.effects(vendor)}
    assert answered
    await spoke.start()
    for number in range(30):
        await stand.event(f"{vendor}.h{number}.pending")
        await stand.event(f"{vendor}.h{number}.shipped")
        await stand.event(f"{vendor}.h{number}.delivered")
    await stand.settled(vendor)
    done = [command_id for command_id, _ in stand.effects(vendor)]
    in_doubt = len(done) - len(set(done))
    assert in_doubt <= 16, "only what was in work at the kill may be in doubt"
    assert not [c for c in set(done) if done.count(c) > 1 and stand.calls(vendor, c) < 2]


async def test_a_signal_ends_it_in_order(stand: Stand, vendor: str, folder: Path, processes: list[SpokeProcess]) -> None:
    write_settings(stand, folder, vendor, 'faults = [{ do = "slow", seconds = 0.6 }]')
    spoke = SpokeProcess(stand, folder, vendor)
    processes.append(spoke)
    await spoke.start()
    await stand.command(vendor, orders.reserve("sub-1"), f"{vendor}.r")
    await until(lambda: (stand.data / "dummy.sqlite").exists() and '"connected' in spoke.log)
    await until(lambda: stand.calls(vendor, f"{vendor}.r"))
    assert await spoke.kill(signal.SIGTERM) == 0
    await stand.event(f"{vendor}.r.reserved")
    await stand.settled(vendor)


async def test_vendors_come_and_go_with_their_files(stand: Stand, folder: Path, processes: list[SpokeProcess]) -> None:
    one, two, broken = stand.new_vendor(), stand.new_vendor(), stand.new_vendor()
    write_settings(stand, folder, one)
    (folder / f"{broken}.toml").write_text('adapter = "dummy"\nconcurency = 3\n')
    (folder / "lost.toml").write_text('adapter = "no_such"\n')
    fleet = SpokeProcess(stand, folder, "--all", "--watch")
    processes.append(fleet)
    await fleet.start()
    await stand.command(one, orders.reserve("sub-1"), f"{one}.r")
    await stand.event(f"{one}.r.reserved")
    assert "concurency" in fleet.log
    assert "no adapter is called 'no_such'" in fleet.log
    path = write_settings(stand, folder, two)
    await stand.command(two, orders.reserve("sub-1"), f"{two}.r")
    await stand.event(f"{two}.r.reserved")
    write_settings(stand, folder, two, 'faults = [{ do = "refuse", reason = "on_holiday" }]')
    await until(lambda: fleet.log.count("stopped") == 1)
    await stand.command(two, orders.reserve("sub-2"), f"{two}.r2")
    await stand.event(f"{two}.r2.refused")
    path.unlink()
    await until(lambda: fleet.log.count("stopped") == 2)
    await stand.command(two, orders.reserve("sub-3"), f"{two}.r3")
    await stand.command(one, orders.reserve("sub-3"), f"{one}.r3")
    await stand.event(f"{one}.r3.reserved")
    assert stand.count(f"{two}.r3.refused") == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('adapter = "dummy"\n[nats]\npassword = "no"\n', "password"),
        ('adapter = "dummy"\n[config]\nstok = 1\n', "stok"),
        ('adapter = "dumy"\n', "dumy"),
    ],
)
async def test_wrong_settings_are_said_and_end_it(folder: Path, text: str, named: str) -> None:
    (folder / "shop.toml").write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spokes", "shop", "--config", str(folder), "--data", str(folder), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert named.encode() in said


@pytest.mark.parametrize("arguments", [(), ("--all",)])
async def test_nothing_to_run_is_said(folder: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "spokes", *arguments, "--config", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"no spokes to run" in said
