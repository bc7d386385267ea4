"""compose.yaml: valid by the official schema, and every command in it runs, against real servers, as a process."""

# nats-py leaves its options untyped
# pyright: reportUnknownMemberType=false

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import nats as nats_client
import pytest
import yaml

from hub.embedded.nats import Nats
from hub.embedded.nkey import new_seed, public_of
from hub.embedded.ports import free_port
from hub.embedded.postgres import Postgres
from tests.broker import sent
from tests.conftest import MakeDatabase

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, service in SERVICES.items() if "build" in service}
SEED = new_seed()
SECRETS = {
    "NATS_HUB_PASSWORD": "hub-password",
    "NATS_SYSTEM_PASSWORD": "system-password",
    "NATS_ACME_AUDIO_NKEY": public_of(SEED),
    "ACME_AUDIO_NATS_SEED": SEED,
    "STRIPE_API_KEY": "sk_test_compose",
    "STRIPE_WEBHOOK_SECRET": "whsec_compose",
    "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_compose_connect",
    "STRIPE_BASE_URL": "http://127.0.0.1:9",  # nobody there: these processes must start without it
}


def test_it_is_valid_by_the_compose_specification():
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**COMPOSE, "services": {"api": {"comand": []}}}, schema)


def test_it_has_the_parts_that_were_promised():
    replicas = {name: service.get("deploy", {}).get("replicas", 1) for name, service in SERVICES.items()}
    assert replicas == {"postgres": 1, "nats": 1, "migrate": 1, "api": 2, "worker": 2, "spoke": 1}
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["nats"]["image"] == "nats:2.15"


def test_what_it_mounts_and_builds_from_exists():
    assert (ROOT / SERVICES["api"]["build"]["dockerfile"]).is_file()
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert all((ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"] for source in mounted)


def test_no_secret_is_written_in_it():
    said = [f"{name}={value}" for service in SERVICES.values() for name, value in service.get("environment", {}).items()]
    secret = [line for line in said if re.search(r"PASSWORD|KEY|SECRET|SEED=", line)]
    assert len(secret) > 5
    assert all(re.fullmatch(r"\w+=\$\{\w+:\?\}", line) for line in secret)


@pytest.fixture(scope="module")
def broker(scratch: Path) -> Iterator[Nats]:
    """`config/nats.conf` itself; only address and store differ."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SERVICES["nats"]["environment"]:
            patch.setenv(name, SECRETS[name])
        text = (ROOT / "config" / "nats.conf").read_text()
        assert 'store_dir: "/data"' in text
        server = Nats(scratch / "compose-nats", text.replace('store_dir: "/data"', ""))
        server.start()
    yield server
    server.stop()


class Process:
    """One service's command, in the environment that compose.yaml gives it, pointed at the servers of the test."""

    def __init__(self, service: str, broker: Nats, database_url: str, folder: Path) -> None:
        self.port = free_port()
        given = {name: str(value) for name, value in SERVICES[service].get("environment", {}).items()}
        environment = {name: self._here(_filled(value), broker, database_url) for name, value in given.items()}
        if service != "spoke":
            environment |= {"WHEELWRIGHT__HTTP__PORT": str(self.port), "WHEELWRIGHT__DATABASE__PASSWORD": ""}
        self.environment = environment | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.log = folder / f"{service}.log"
        words = [word.replace("/var/lib/wheelwright", str(folder)) for word in SERVICES[service]["command"]]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(_real(words), cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    @staticmethod
    def _here(value: str, broker: Nats, database_url: str) -> str:
        value = value.replace("postgresql+asyncpg://hub@postgres:5432/hub", database_url)
        return value.replace("nats://nats:4222", broker.url).replace("0.0.0.0", "127.0.0.1")

    def until(self, said: str, patience: float = 20) -> None:
        deadline = time.monotonic() + patience
        while said not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def _filled(value: str) -> str:
    known = SECRETS | {"POSTGRES_PASSWORD": ""}
    return re.sub(r"\$\{(\w+):[?-]\}", lambda found: known[found.group(1)], value)


def _real(words: list[str]) -> list[str]:
    """`hub` as the module it is: the command may not be installed where the tests run."""
    return [sys.executable, "-m", "hub.cli", *words[1:]] if words[0] == "hub" else [sys.executable, *words[1:]]


@pytest.fixture
def started(broker: Nats, database_url: str, tmp_path: Path):
    processes: list[Process] = []

    def start(service: str) -> Process:
        processes.append(Process(service, broker, database_url, tmp_path))
        return processes[-1]

    yield start
    for process in processes:
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()


async def test_migrate_does_its_work_and_ends(broker: Nats, empty_database: MakeDatabase, tmp_path: Path):
    url = await empty_database()
    for _ in range(2):  # the second finds nothing to do
        process = Process("migrate", broker, url, tmp_path)
        assert process.process.wait(60) == 0, process.log.read_text()


def test_the_api_becomes_healthy_by_its_own_check_and_ends_when_told(started: Any):
    api = started("api")
    check = [word.replace("8000", str(api.port)) for word in SERVICES["api"]["healthcheck"]["test"][1:]]
    deadline = time.monotonic() + 30
    while subprocess.run(_real(check), capture_output=True, check=False).returncode != 0:
        assert api.process.poll() is None, api.log.read_text()
        assert time.monotonic() < deadline, api.log.read_text()
        time.sleep(0.2)
    assert api.end() in {0, -signal.SIGTERM}  # uvicorn shuts down in order, then lets the signal have its way


def test_the_worker_starts_without_the_payment_provider_and_ends_when_told(started: Any):
    worker = started("worker")
    worker.until("worker.started")
    worker.until("bus.connected")
    assert worker.end() == 0


async def test_the_spoke_signs_in_as_its_vendor_and_gives_signs_of_life(started: Any, broker: Nats):
    hub = await nats_client.connect(broker.url, user="hub", password=SECRETS["NATS_HUB_PASSWORD"])
    beats = await hub.subscribe("hb.acme-audio")
    await sent(hub)
    spoke = started("spoke")
    beat = await beats.next_msg(20)
    assert json.loads(beat.data)
    assert spoke.end() == 0
    await hub.close()


def test_every_command_is_run_by_a_test():
    assert {name for name in SERVICES if "command" in SERVICES[name]} == OURS | {"nats"}
    source = Path(__file__).read_text()
    assert all(f'"{name}"' in source for name in OURS), shlex.join(sorted(OURS))


def test_postgres_is_the_version_the_tests_run_on(postgres: Postgres):
    assert (postgres.data / "cluster" / "PG_VERSION").read_text().strip() == SERVICES["postgres"]["image"].partition(":")[2]
