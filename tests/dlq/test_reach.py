"""Which hub `hub dlq` speaks to and with which key, that its writes are done once, and how it says that it could not."""

import os
from pathlib import Path

import httpx
import pytest

from hub.dlq.reach import KEY, URL, Caller, Refused, Where, at, calling, found
from hub.embedded.folder import Folder, NotRunning, Running
from tests.dlq.conftest import Desk, command


async def test_the_command_finds_the_hub_of_a_folder_or_of_an_address(desk: Desk):
    code, out, err = await command("plans", "--data", str(desk.folder.root), "--json")
    assert (code, out, err) == (0, "[]\n", "")
    code, out, err = await command("plans", "--json", **{URL: desk.url, KEY: desk.key})
    assert (code, out, err) == (0, "[]\n", "")


async def test_a_no_of_the_hub_is_one_line_and_ends_with_1(desk: Desk):
    code, out, err = await command("replay", "dl_none", "--reason", "x", "--data", str(desk.folder.root))
    assert (code, out, err) == (1, "", "hub: no dead letter dl_none (404 unknown_dead_letter)\n")


def test_the_key_of_a_folder_goes_to_no_other_address(tmp_path: Path):
    folder = Folder(tmp_path)
    folder.announce(Running(url="http://ours", pid=os.getpid(), environment={}))
    folder.keys.write_text('{"keys": {"operator": "secret"}}')
    assert found(Where(data=tmp_path), {URL: "http://theirs", KEY: "other"}) == ("http://ours", "secret")
    assert found(Where(data=tmp_path, url="http://theirs"), {KEY: "other"}) == ("http://theirs", "other")
    assert found(Where(), {URL: "http://theirs", KEY: "other"}) == ("http://theirs", "other")
    for environ in ({}, {KEY: ""}):
        with pytest.raises(Refused, match=f"put an operator's into {KEY}"):
            found(Where(data=tmp_path, url="http://theirs"), environ)
    folder.keys.unlink()
    with pytest.raises(Refused, match="no keys in"):
        found(Where(data=tmp_path), {})
    with pytest.raises(NotRunning, match="no hub runs on"):
        found(Where(data=tmp_path / "none"), {})


def test_a_name_leads_nowhere_else():
    assert at("../orders?x#y", "replay") == "/v1/admin/dead-letters/..%2Forders%3Fx%23y/replay"


async def test_what_is_asked_twice_is_done_once():
    keys: list[str] = []

    def cut(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadError("cut")
        return httpx.Response(200, json={"asked": len(keys)})

    async with httpx.AsyncClient(transport=httpx.MockTransport(cut), base_url="http://hub") as http:
        assert await Caller(http).act("/x", {}) == {"asked": 2}
        await Caller(http).act("/x", {})
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, text="<html>"), "200 OK, and no answer of a hub"),
        (httpx.Response(502, text="bad"), "502 Bad Gateway, and no answer of a hub"),
        (httpx.Response(302, headers={"Location": "http://elsewhere"}), "302 Found, and no answer of a hub"),
        (httpx.Response(409, json={"type": "/problems/odd", "detail": "a\nb\x1b[2J"}), "a b\N{REPLACEMENT CHARACTER}[2J (409 odd)"),
    ],
)
async def test_what_is_no_answer_of_a_hub_is_said_to_be_none(answer: httpx.Response, said: str):
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer), base_url="http://hub") as http:
        with pytest.raises(Refused) as refused:
            await Caller(http).get("/x")
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("address", "key"),
    [("http://127.0.0.1:9", "x"), ("nowhere", "x"), ("ftp://x", "x"), ("http://[::1", "x"), ("http://h:99999", "x"), ("http://hub", "clé")],
)
async def test_an_address_where_nobody_is_is_one_line(address: str, key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(KEY, key)
    with pytest.raises(Refused) as refused:
        async with calling(Where(url=address)) as hub:
            await hub.get("/x")
    assert address in str(refused.value)
    assert "\n" not in str(refused.value)
