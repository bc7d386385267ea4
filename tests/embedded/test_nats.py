"""The embedded broker: keeps its store, takes new accounts while running, refuses a bad configuration."""

# nats-py leaves its options untyped
# pyright: reportUnknownMemberType=false

import os
import signal

import nats as nats_client
import pytest

from hub.embedded.nats import Nats, NatsFailed


async def test_the_store_outlives_a_kill(nats: Nats):
    connection = await nats_client.connect(nats.url)
    await connection.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await connection.jetstream().publish("kept", b"1")
    await connection.close()
    nats.kill()
    assert not nats.running
    nats.start()
    connection = await nats_client.connect(nats.url)
    assert (await connection.jetstream().stream_info("KEPT")).state.messages == 1
    await connection.close()


async def test_a_change_that_needs_a_restart_is_refused_and_the_old_text_stays(nats: Nats):
    before = nats.config.read_text()
    with pytest.raises(NatsFailed, match="NoAuthUser"):
        nats.reload("jetstream {}\naccounts { A: { users: [ {user: a, password: b} ] } }\nno_auth_user: a\n")
    assert nats.config.read_text() == before == nats.config_text


def test_a_broken_configuration_is_refused_and_the_old_one_stays(nats: Nats):
    before = nats.config.read_text()
    with pytest.raises(NatsFailed, match="refuses"):
        nats.reload("accounts: {")
    assert nats.config.read_text() == before
    assert nats.running


def test_a_broker_that_does_not_answer_yet_is_left_to_recover_before_it_takes_new_accounts(nats: Nats):
    before, pid = nats.config.read_text(), nats.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(NatsFailed, match="still starting"):
            nats.reload("accounts { A: { users: [ {user: a, password: b} ] } }\n")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert nats.config.read_text() == before
