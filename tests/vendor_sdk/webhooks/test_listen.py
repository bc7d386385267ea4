"""What happens at a real hub reaches a real server on this machine, signed, in order and once; and is told again."""

import asyncio
import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.notifications.deliver import Courier
from tests.hub_api import Api
from tests.notifications.conftest import api
from tests.notifications.desk import LIMITS, Desk, Receiver
from tests.served import served
from tests.vendor_sdk.client.hub import KEY
from vendor_sdk.cli import main
from vendor_sdk.client import AsyncClient
from vendor_sdk.errors import Misconfigured
from vendor_sdk.webhooks.ear import Ear, find
from vendor_sdk.webhooks.forward import target
from vendor_sdk.webhooks.listen import moment
from vendor_sdk.webhooks.signing import stable_secret, verify

__all__ = ["api"]


@dataclass
class Place:
    """A hub that answers over HTTP, a server of the vendor's, and the vendor's terminal."""

    desk: Desk
    url: str
    key: str
    processes: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    async def command(self, *words: str, **environ: str) -> asyncio.subprocess.Process:
        """`vendor-sdk words…` in a process of its own."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("VENDOR_", "SPOKE_"))}
        given = clean | {"VENDOR_API_URL": self.url, "VENDOR_API_KEY": self.key} | environ
        command = (sys.executable, "-m", "vendor_sdk.cli", *words)
        self.processes.append(await asyncio.create_subprocess_exec(*command, env=given, stdout=-1, stderr=-1))
        return self.processes[-1]

    async def ends(self, *words: str, **environ: str) -> tuple[int | None, str, str]:
        """The same in this process: its end, its output, its complaints."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            for name, value in ({"VENDOR_API_URL": self.url, "VENDOR_API_KEY": self.key} | environ).items():
                patch.setenv(name, value)
            code = await asyncio.to_thread(main, list(words))
        return code, out.getvalue(), err.getvalue()

    async def until(self, number: int) -> list[str]:
        """The types that came, once there are so many."""
        for _ in range(400):
            if len(self.desk.receiver.came) >= number:
                break
            await asyncio.sleep(0.05)
        return [message.type for message in self.desk.receiver.came]


@pytest_asyncio.fixture(scope="module")
async def url(api: Api) -> AsyncGenerator[str]:
    async with served(api.app) as address:
        yield address


@pytest_asyncio.fixture
async def place(api: Api, url: str) -> AsyncGenerator[Place]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    courier = Courier(api.wiring.database, LIMITS)
    place = Place(Desk(api, receiver, courier), url, api.keys["acme"])
    await place.desk.follow()
    yield place
    for process in place.processes:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    await courier.stop(0)
    server.close()


async def listening(place: Place, *words: str) -> asyncio.subprocess.Process:
    process = await place.command("listen", "--forward-to", place.desk.receiver.url(), "--name", "here", "--every", "0.1", *words)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while b"listening as" not in await process.stdout.readline():
            pass
    return process


async def ended(process: asyncio.subprocess.Process) -> str:
    process.send_signal(signal.SIGTERM)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return out.decode()


async def test_what_happens_is_forwarded_in_order_signed_and_once(place: Place) -> None:
    await place.desk.happen("suspend")
    process = await listening(place)
    await place.desk.happen("activate", "suspend", "activate")
    await place.desk.follow()
    assert await place.until(3) == ["vendor.updated"] * 3
    code, out, _ = await place.ends("trigger", "order.shipped", "--name", "here")
    assert (code, out.split()[0]) == (0, "order.shipped")
    assert (await place.until(4))[3] == "order.shipped"
    await asyncio.sleep(0.5)
    came = place.desk.receiver.came
    assert [message.json["data"].get("change") for message in came] == ["activate", "suspend", "activate", None]
    assert len({message.headers["webhook-id"] for message in came}) == 4
    code, secret, _ = await place.ends("listen", "--print-secret", "--name", "here")
    assert (code, secret.strip()) == (0, stable_secret(place.key, "here"))
    for message in came:
        verify(secret.strip(), message.headers, message.body, now=time.time())
    out = await ended(process)
    assert [line.split()[1] for line in out.splitlines()] == ["vendor.updated"] * 3 + ["order.shipped"]
    assert all(line.endswith("ms)") and "-> 200 (" in line for line in out.splitlines())
    assert place.key not in out
    async with AsyncClient(place.url, place.key) as client:
        assert await find(client, "here") is None, "the hub need not keep anything for it any more"


async def test_only_what_is_wanted_is_forwarded_and_a_server_that_is_down_stops_nothing(place: Place) -> None:
    process = await listening(place, "--events", "order.shipped, order.delivered")
    place.desk.receiver.status = 500
    for kind in ("order.routed", "order.shipped", "order.delivered"):
        assert (await place.ends("trigger", kind, "--name", "here"))[0] == 0
    assert await place.until(2) == ["order.shipped", "order.delivered"]
    out = await ended(process)
    assert out.count("-> 500 (") == 2


async def test_a_listener_that_was_killed_begins_where_things_are(place: Place) -> None:
    process = await listening(place)
    process.kill()
    await process.communicate()
    await place.desk.happen("suspend")
    await place.desk.follow()
    process = await listening(place)
    await place.desk.happen("activate")
    await place.desk.follow()
    assert await place.until(1) == ["vendor.updated"]
    await asyncio.sleep(0.5)
    assert [message.json["data"]["change"] for message in place.desk.receiver.came] == ["activate"]
    await ended(process)


async def test_what_was_told_is_told_again_by_the_hub_or_from_here(place: Place) -> None:
    made = await place.desk.endpoint("/real")
    tested = (await place.desk.api("acme", "POST", f"/v1/vendor/webhook-endpoints/{made['endpoint']['id']}/test")).json()
    await place.desk.deliver()
    assert await place.until(1) == ["test"]
    assert (await place.ends("resend", tested["id"]))[0] == 0
    await place.desk.deliver()
    assert (await place.ends("resend", tested["id"], "--forward-to", place.desk.receiver.url("/mine")))[0] == 0
    came = place.desk.receiver.came
    assert [(message.path, message.headers["webhook-id"]) for message in came] == [
        ("/real", tested["event_id"]),
        ("/real", tested["event_id"]),
        ("/mine", tested["event_id"]),
    ]
    assert len({message.body for message in came}) == 1
    code, out, _ = await place.ends("resend", "--since", "1h")
    assert (code, "is delivered again" in out) == (0, True)
    code, _, _ = await place.ends(
        "resend", "--since", "1h", "--endpoint", made["endpoint"]["id"], "--forward-to", place.desk.receiver.url("/mine")
    )
    assert code == 0
    assert len(place.desk.receiver.at("/mine")) == 2
    nowhere = await place.ends("resend", tested["id"], "--forward-to", "http://127.0.0.1:1/")
    assert (nowhere[0], "ConnectError" in nowhere[1]) == (1, True)


@pytest.mark.parametrize(
    ("words", "environ", "code", "complaint"),
    [
        (("listen",), {"VENDOR_API_URL": ""}, 2, "which hub?"),
        (("listen",), {"VENDOR_API_KEY": ""}, 2, "whose key?"),
        (("listen", "--hub", "http://hub.example.com"), {}, 2, "use https"),
        (("listen", "--forward-to", "ftp://here"), {}, 2, "--forward-to"),
        (("listen", "--key-file", "/nowhere"), {}, 2, "--key-file"),
        (("trigger", "test", "--name", "nobody"), {}, 2, "nobody listens"),
        (("resend",), {}, 2, "name deliveries, or a moment"),
        (("resend", "--since", "yesterday"), {}, 2, "--since"),
        (("resend", "whd_unknown"), {}, 1, "unknown_delivery"),
        (("resend", "whd_unknown"), {"VENDOR_API_KEY": KEY}, 1, "not_authenticated"),
    ],
)
async def test_what_is_wrong_is_said_in_a_line(
    place: Place, words: tuple[str, ...], environ: dict[str, Any], code: int, complaint: str
) -> None:
    ended_with, out, err = await place.ends(*words, **environ)
    assert (ended_with, out) == (code, "")
    assert complaint in err
    assert len(err.splitlines()) == 1
    assert place.key not in err


def test_moments_and_places_are_read_as_they_are_meant(tmp_path: Path) -> None:
    now = datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert moment("2h", now.timestamp()) == now - timedelta(hours=2)
    assert moment("2026-01-31T09:00+01:00", 0) == now
    for wrong in ("2026-01-31T08:00", "", "h", "2w", "-1h", "99999999d"):
        with pytest.raises(Misconfigured):
            moment(wrong, now.timestamp())
    assert target("3000/hook") == "http://localhost:3000/hook"
    assert target("localhost:3000") == "http://localhost:3000"
    assert target("https://example.com/a") == "https://example.com/a"
    for wrong in ("", "ftp://x", str(tmp_path)):
        with pytest.raises(Misconfigured):
            target(wrong)


async def test_what_was_found_and_not_passed_on_is_found_again(place: Place) -> None:
    async with AsyncClient(place.url, place.key) as client:
        ear = await Ear.open(client, "twice")
        for _ in range(2):
            await client.endpoints.test(ear.endpoint.id)
        first, second = await ear.fresh()
        ear.heard(first)
        assert [delivery.id for delivery in await ear.fresh()] == [second.id]
        await ear.close()
