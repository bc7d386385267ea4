"""The `hub` command: what it prints and how it refuses."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.nats import Nats
from hub.embedded.nkey import new_seed, public_of

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("WHEELWRIGHT")}


def hub(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = CLEAN | {f"WHEELWRIGHT__{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *words], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_settings_shows_what_is_in_force_with_secrets_masked():
    shown = hub("settings", HTTP__PORT="9123", STRIPE__API_KEY="open-sesame", DATABASE__URL="postgresql+asyncpg://hub:open-sesame@db/hub")
    assert shown.returncode == 0
    assert "port = 9123" in shown.stdout
    assert 'api_key = "********"' in shown.stdout
    assert "open-sesame" not in shown.stdout + shown.stderr


def test_a_misspelt_setting_is_refused_by_every_command_in_one_line(tmp_path: Path):
    for word in ("settings", "api", "worker", "migrate", "nats-config", "run"):
        refused = hub(word, HTTP__PROT="1")
        assert refused.returncode == 1
        assert refused.stderr.strip().endswith('did you mean "http.port"?')
    assert hub("run", "--port", "0", "--ephemeral", HTTP__PROT="1").stderr.count("\n") == 1  # before anything has started
    (tmp_path / "own.toml").write_text("[nats]\nuri = 'nats://x'\n")
    assert 'did you mean "nats.url"?' in hub("settings", "--settings", str(tmp_path / "own.toml")).stderr


def test_a_port_that_no_port_is_is_refused_by_name():
    for word, option in (("run", "--port"), ("run", "--pg-port"), ("api", "--port"), ("sandbox", "--port")):
        refused = hub(word, option, "65536")
        assert refused.returncode == 2
        assert f'"65536" for {option}' in refused.stdout + refused.stderr


async def test_nats_config_prints_what_a_broker_takes(database_url: str, scratch: Path):
    seed = new_seed()
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO vendors (code, name, country, nkey_public) VALUES ('acme', 'Acme', 'DE', :key)"), {"key": public_of(seed)}
        )
        await connection.execute(text("INSERT INTO vendor_nkeys (nkey, vendor) VALUES (:key, 'acme')"), {"key": public_of(seed)})
    await engine.dispose()
    hub_seed = new_seed()
    printed = hub("nats-config", DATABASE__URL=database_url, NATS__NKEY_SEED=hub_seed)
    assert printed.returncode == 0, printed.stderr
    assert hub_seed not in printed.stdout
    assert public_of(hub_seed) in printed.stdout
    broker = Nats(scratch / "printed", printed.stdout.replace("$NATS_SYSTEM_PASSWORD", '"x"'))
    broker.start()
    broker.stop()
    assert "V_acme" in printed.stdout


def test_stripe_events_are_listed_for_each_endpoint():
    listed = hub("stripe-events")
    assert listed.returncode == 0
    ours, _, theirs = listed.stdout.partition("/v1/webhooks/stripe/connect")
    assert ours.split()[0] == "/v1/webhooks/stripe"
    assert "payment_intent.succeeded" in ours.split()
    assert "payout.failed" in theirs.split()
    assert "payment_intent.created" not in listed.stdout


def test_a_demo_or_replay_names_what_it_misses(tmp_path: Path):
    refused = hub("replay", str(tmp_path / "nowhere"))
    assert refused.returncode != 0
    assert "nowhere" in refused.stdout + refused.stderr
