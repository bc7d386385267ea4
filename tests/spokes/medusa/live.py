"""The real Medusa server: installed from npm into the project's `.live`, run as a process on a PostgreSQL of its own, without Redis."""

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from hub.embedded.child import end, run, spawn
from hub.embedded.ports import LOOPBACK, free_port
from hub.embedded.postgres import Postgres
from tests.architecture.sources import ROOT

FOLDER = ROOT / ".live" / "medusa"
VERSION = "2.21.2"
PACKAGE = {
    "name": "medusa-live",
    "private": True,
    "dependencies": {f"@medusajs/{name}": VERSION for name in ("cli", "framework", "medusa")},
}
CONFIG = """
const { defineConfig } = require("@medusajs/framework/utils")
const secret = process.env.LIVE_SECRET
module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: { storeCors: "", adminCors: "", authCors: "", jwtSecret: secret, cookieSecret: secret },
  },
})
"""
NODE = 20
NEEDS = f"runs the real Medusa server, which needs Node.js {NODE} or newer with npm"
EMAIL = "people@example.com"
INSTALL_SECONDS, STEP_SECONDS, START_SECONDS = 1200, 300, 180
ENTERED = 'cd "$1" && shift && exec "$@"'
"""The server takes the folder it is in for its project."""


class LiveFailed(RuntimeError):
    """There is no real server to be had; says why."""


class Server:
    """A server with an empty shop: a region, a location, a sales channel, a shipping option and a secret API key of ours."""

    def __init__(self, room: Path) -> None:
        """`room` is an empty folder for its database and its logs."""
        self._room = room
        self._postgres = Postgres(room / "postgres", fast_for_tests=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._secret = secrets.token_hex(16)
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self.settings: dict[str, Any] = {}

    def start(self) -> None:
        """Install, migrate, run, furnish. Raises `LiveFailed`."""
        install()
        self._postgres.start()
        self._step("db:migrate")
        self._step("user", "-e", EMAIL, "-p", self._secret)
        host, port = self.url.removeprefix("http://").split(":")
        self._process = self._spawn("start", "-H", host, "-p", port)
        self._wait()
        self._furnish()

    def stop(self) -> None:
        """End the processes and delete the data."""
        if self._process is not None:
            end(self._process, signal.SIGTERM)
        self._postgres.discard()

    def _spawn(self, *words: str) -> subprocess.Popen[bytes]:
        secret = {"DATABASE_URL": self._postgres.dsn, "LIVE_SECRET": self._secret}
        env = {**os.environ, **secret, "MEDUSA_DISABLE_TELEMETRY": "true", "NODE_ENV": "production"}
        argv = ["sh", "-c", ENTERED, "sh", FOLDER, program("node"), FOLDER / "node_modules" / "@medusajs" / "cli" / "cli.js", *words]
        return spawn(argv, log=self._room / f"{words[0].replace(':', '-')}.log", env=env)

    def _step(self, *words: str) -> None:
        if self._spawn(*words).wait(STEP_SECONDS) != 0:
            raise LiveFailed(f"medusa {words[0]} failed:\n{self._told(words[0])}")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise LiveFailed(f"medusa start failed:\n{self._told('start')}")

    def _told(self, step: str) -> str:
        return (self._room / f"{step.replace(':', '-')}.log").read_text(errors="replace")[-2000:]

    def _furnish(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            token = _must(client, "/auth/user/emailpass", {"email": EMAIL, "password": self._secret})["token"]
            client.headers["authorization"] = f"Bearer {token}"
            key = _must(client, "/admin/api-keys", {"title": "wheelwright", "type": "secret"})["api_key"]["token"]
            client.headers["authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
            channel = _must(client, "/admin/sales-channels", {"name": "Wheelwright"})["sales_channel"]["id"]
            location = _must(client, "/admin/stock-locations", {"name": "Shelf"})["stock_location"]["id"]
            at = f"/admin/stock-locations/{location}"
            _must(client, f"{at}/sales-channels", {"add": [channel]})
            _must(client, f"{at}/fulfillment-providers", {"add": ["manual_manual"]})
            region = _must(client, "/admin/regions", {"name": "Europe", "currency_code": "eur", "countries": ["pt"]})["region"]["id"]
            profile = client.get("/admin/shipping-profiles").json()["shipping_profiles"][0]["id"]
            zone, option = _shipping(client, at, profile)
        self.settings = {"api_key": key, "location": location, "sales_channel": channel, "region": region}
        self.settings |= {"shipping_option": option, "shipping_zone": zone}


def _shipping(client: httpx.Client, location: str, profile: str) -> tuple[str, str]:
    """A service zone, and the one way of shipping to it."""
    _must(client, f"{location}/fulfillment-sets", {"name": "Post", "type": "shipping"})
    sets = client.get(location, params={"fields": "*fulfillment_sets"}).json()["stock_location"]["fulfillment_sets"]
    zone = {"name": "Portugal", "geo_zones": [{"type": "country", "country_code": "pt"}]}
    made = _must(client, f"/admin/fulfillment-sets/{sets[0]['id']}/service-zones", zone)["fulfillment_set"]["service_zones"][0]
    option = {
        "name": "Post",
        "service_zone_id": made["id"],
        "shipping_profile_id": profile,
        "provider_id": "manual_manual",
        "price_type": "flat",
        "type": {"label": "Post", "description": "Post", "code": "post"},
        "prices": [{"currency_code": "eur", "amount": 4.99}],
    }
    return made["id"], _must(client, "/admin/shipping-options", option)["shipping_option"]["id"]


def install() -> None:
    """Install the server, once per version. Raises `LiveFailed`."""
    version = run([program("node"), "--version"]).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0] or 0) < NODE:
        raise LiveFailed(f"node is {version}: make test-live {NEEDS}")
    done = FOLDER / "installed"
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "medusa-config.js").write_text(CONFIG)
    package = json.dumps(PACKAGE)
    if done.exists() and done.read_text() == package:
        return
    (FOLDER / "package.json").write_text(package)
    argv = ["sh", "-c", ENTERED, "sh", FOLDER, program("npm"), "install", "--no-audit", "--no-fund"]
    if spawn(argv, log=FOLDER / "install.log").wait(INSTALL_SECONDS) != 0:
        raise LiveFailed(f"npm install failed:\n{(FOLDER / 'install.log').read_text(errors='replace')[-2000:]}")
    done.write_text(package)


def program(name: str) -> str:
    """The path of `node` or `npm`. Raises `LiveFailed` if it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise LiveFailed(f"{name} is not installed: make test-live {NEEDS}")
    return found


def _must(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = client.post(path, content=msgspec.json.encode(body), headers={"content-type": "application/json"})
    if not answer.is_success:
        raise LiveFailed(f"{path}: {answer.status_code} {answer.text[:500]}")
    return answer.json()
