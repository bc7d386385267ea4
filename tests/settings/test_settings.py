"""Settings: data in files, the environment on top, wrong keys refused by name, secrets never shown nor in files."""

import re
from pathlib import Path

import pytest

from hub.settings import DEFAULTS, KEYS, SECRETS, SettingsRefused, load_settings, masked


def written(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_the_defaults_alone_are_complete():
    settings = load_settings(None, {})
    assert settings.orders.currency == "EUR"
    assert settings.http.body_bytes_max == 1024 * 1024


def test_every_default_says_why():
    lines = [line for line in DEFAULTS.read_text().splitlines() if re.match(r"\w+ = ", line)]
    assert {line.split(" = ")[0] for line in lines} == {key.split(".")[1] for key in KEYS - SECRETS}
    assert [line for line in lines if "#" not in line] == []


def test_a_file_wins_over_defaults_and_the_environment_over_both(tmp_path: Path):
    own = written(tmp_path, "[http]\nport = 9000\nhost = '0.0.0.0'\n")
    settings = load_settings(own, {"WHEELWRIGHT__HTTP__PORT": "9001", "OTHER__HTTP__PORT": "1"})
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 9001)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[htpp]\nport = 1\n", r'unknown key "htpp.port" in .*own.toml; did you mean "http.port"\?'),
        ("[http]\nprot = 1\n", r'unknown key "http.prot" in .*did you mean "http.port"\?'),
        ("port = 1\n", r'"port" in .* belongs into a section'),
        ("[http\n", "is not TOML"),
        ("[http]\nport = 'many'\n", r"Expected `int`.* - at `http.port`"),
        ("[http]\nport = 70000\n", "<= 65535.*http.port"),
        ("[worker]\npoll_seconds = 0\n", "worker.poll_seconds"),
        ("[orders]\ncurrency = 'Euro'\n", "orders.currency"),
        ("[log]\nlevel = 'loud'\n", "log.level"),
        ("[stripe]\napi_key = 'sk_live'\n", r'"stripe.api_key" in .* is a secret: set WHEELWRIGHT__STRIPE__API_KEY'),
        ("[database]\nurl = 'postgresql+asyncpg://hub:pw@db/hub'\n", r'"database.url" in .* is a secret'),
        ("[database]\nurl = 'postgresql+asyncpg://hub:p,w@db/hub'\n", r'"database.url" in .* is a secret'),
        ("[nats]\nurl = 'nats://hub:pw@nats'\n", r'"nats.url" in .* is a secret'),
        ("[nats]\nurl = 'nats://one:4222,nats://hub:pw@two:4222'\n", r'"nats.url" in .* is a secret'),
        ("[nats]\nreplicas = 2\n", "nats.replicas"),
        ("[database]\nurl = 'postgresql://hub@db/hub'\n", "postgresql.*asyncpg.*database.url"),
        ("[orders]\nhold_seconds = inf\n", "orders.hold_seconds"),
        ("[worker]\npoll_seconds = nan\n", "worker.poll_seconds"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, complaint: str):
    with pytest.raises(SettingsRefused, match=complaint):
        load_settings(written(tmp_path, text), {})


def test_a_file_that_is_not_text_is_refused_by_name(tmp_path: Path):
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsRefused, match=r"own\.toml is not TOML"):
        load_settings(tmp_path / "own.toml", {})


def test_a_misspelt_variable_is_refused_by_name():
    with pytest.raises(SettingsRefused, match=r'"http.prot" in the environment \(WHEELWRIGHT__HTTP__PROT\); did you mean "http.port"'):
        load_settings(None, {"WHEELWRIGHT__HTTP__PROT": "1"})


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(SettingsRefused, match=r"cannot read .*nowhere.toml"):
        load_settings(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_no_secret_is_ever_shown(name: str):
    variable = "WHEELWRIGHT__" + name.upper().replace(".", "__")
    settings = load_settings(None, {variable: "open-sesame"})
    section, key = name.split(".")
    assert getattr(getattr(settings, section), key) == "open-sesame"
    assert "open-sesame" not in repr(settings)
    assert "open-sesame" not in repr(masked(settings))
    assert masked(settings)[section][key] == "********"


def test_a_password_inside_an_address_is_not_shown_either():
    settings = load_settings(None, {"WHEELWRIGHT__DATABASE__URL": "postgresql+asyncpg://hub:open-sesame@db:1/hub"})
    assert "open-sesame" not in repr(settings) + repr(masked(settings))
    assert settings.database.address() == "postgresql+asyncpg://hub:open-sesame@db:1/hub"
    cluster = load_settings(None, {"WHEELWRIGHT__NATS__URL": "nats://one:4222,nats://hub:open-sesame@two:4222"})
    assert "nats://one:4222,nats://hub:********@two:4222" in repr(cluster)


def test_the_password_joins_the_address_quoted():
    settings = load_settings(
        None,
        {"WHEELWRIGHT__DATABASE__URL": "postgresql+asyncpg://hub@db:1/hub", "WHEELWRIGHT__DATABASE__PASSWORD": "a/b@c"},
    )
    assert settings.database.address() == "postgresql+asyncpg://hub:a%2Fb%40c@db:1/hub"
