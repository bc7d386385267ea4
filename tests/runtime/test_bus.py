"""The connection to a broker that is not ours: by password over TLS, by nkey, by a credentials file; and one that stands still."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import structlog.testing
import trustme

from hub.embedded.nats import Nats
from hub.embedded.nkey import new_seed, public_of
from hub.runtime.bus import Bus, BusSettings
from tests.runtime import operator_mode
from vendor_sdk.link import Link
from vendor_sdk.settings import Nats as SpokeNats
from vendor_sdk.settings import Secrets


@asynccontextmanager
async def broker(folder: Path, text: str) -> AsyncGenerator[Nats]:
    """A broker of this shape while the block runs."""
    server = Nats(folder / "nats", text)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


async def hub_connects(settings: BusSettings, within: float = 10) -> bool:
    """Whether the hub's bus gets a round trip, and JetStream answers it."""
    bus = Bus(settings, "test")
    await bus.start()
    try:
        if not await bus.connected(within):
            return False
        await bus.js.account_info()
        return True
    finally:
        await bus.close()


async def spoke_connects(settings: SpokeNats, secrets: Secrets, within: float = 10) -> bool:
    """Whether a spoke's link comes up."""
    up = asyncio.Event()

    async def fresh(_: object) -> None:
        up.set()

    async def back() -> None:
        """Nothing to do."""

    link = asyncio.create_task(Link(settings, secrets, "test", fresh=fresh, back=back).run(asyncio.Semaphore(1)))
    try:
        await asyncio.wait_for(up.wait(), within)
    except TimeoutError:
        return False
    else:
        return True
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> trustme.CA:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        return authority

    async def test_by_password_and_by_certificate(self, tmp_path: Path, authority: trustme.CA):
        server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("hub@example.com")
        server.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
        client.private_key_pem.write_to_path(str(tmp_path / "client.key"))
        client.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
        files = f'cert_file: "{tmp_path}/server.pem", key_file: "{tmp_path}/server.pem", ca_file: "{tmp_path}/ca.pem", verify: true'
        text = f"tls {{ {files} }}\njetstream {{}}\nauthorization {{ user: hub, password: right }}\n"
        certificate = {"tls_ca": f"{tmp_path}/ca.pem", "tls_cert": f"{tmp_path}/client.pem", "tls_key": f"{tmp_path}/client.key"}
        async with broker(tmp_path, text) as nats:
            address = nats.url.replace("nats://", "tls://")
            assert await hub_connects(BusSettings(url=address, user="hub", password="right", **certificate))
            spoke = msgspec.convert({"url": address, "user": "hub", **certificate}, SpokeNats)
            assert await spoke_connects(spoke, Secrets(password="right"))
            assert not await hub_connects(BusSettings(url=address, user="hub", password="wrong", **certificate), within=2)

    async def test_a_broker_of_another_authority_is_not_trusted(self, tmp_path: Path, authority: trustme.CA):
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
        text = f'tls {{ cert_file: "{tmp_path}/server.pem", key_file: "{tmp_path}/server.pem" }}\njetstream {{}}\n'
        assert authority
        async with broker(tmp_path, text) as nats:
            address = nats.url.replace("nats://", "tls://")
            assert not await hub_connects(BusSettings(url=address, tls_ca=f"{tmp_path}/ca.pem"), within=2)
            assert not await spoke_connects(SpokeNats(url=address, tls_ca=f"{tmp_path}/ca.pem"), Secrets(), within=2)


async def test_by_nkey(tmp_path: Path):
    seed = new_seed()
    async with broker(tmp_path, f"jetstream {{}}\nauthorization {{ users: [ {{ nkey: {public_of(seed)} }} ] }}\n") as nats:
        assert await hub_connects(BusSettings(url=nats.url, nkey_seed=seed))
        assert not await hub_connects(BusSettings(url=nats.url, nkey_seed=new_seed()), within=2)


async def test_by_credentials_file(tmp_path: Path):
    credentials, strange = tmp_path / "hub.creds", tmp_path / "strange.creds"
    operator_mode.broker(strange)
    async with broker(tmp_path, operator_mode.broker(credentials)) as nats:
        assert await hub_connects(BusSettings(url=nats.url, creds_file=str(credentials)))
        assert await spoke_connects(SpokeNats(url=nats.url, creds_file=str(credentials)), Secrets())
        assert not await hub_connects(BusSettings(url=nats.url, creds_file=str(strange)), within=2)


async def test_the_bus_starts_before_the_broker_and_outlives_its_stillness(tmp_path: Path):
    async with broker(tmp_path, "jetstream {}\n") as nats:
        await asyncio.to_thread(nats.stop)
        bus = Bus(BusSettings(url=nats.url), "test")
        await bus.start()
        try:
            with structlog.testing.capture_logs() as said:
                assert not await bus.connected(1)
            assert [line["log_level"] for line in said if line["event"] == "bus.connect_failed"] == ["warning"]  # not once per attempt
            await asyncio.to_thread(nats.start)
            assert await bus.connected(10)
            pid = nats.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.2)  # the signal takes a moment to reach every thread
            assert not await bus.alive()
            await asyncio.sleep(1)
            os.kill(pid, signal.SIGCONT)
            assert await bus.connected(10)
        finally:
            await bus.close()


@pytest.mark.parametrize("dead", ["_reading_task", "_flusher_task"])
async def test_a_client_that_is_dead_inside_is_replaced(tmp_path: Path, dead: str):
    async with broker(tmp_path, "jetstream {}\n") as nats:
        bus = Bus(BusSettings(url=nats.url), "test")
        await bus.start()
        try:
            assert await bus.connected(10)
            getattr(bus.nc, dead).cancel()
            await asyncio.sleep(0)
            assert bus.is_connected
            assert not await bus.alive()
            assert await bus.connected(20)
        finally:
            await bus.close()
