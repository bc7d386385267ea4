"""The client that blocks is the one that awaits, word for word."""

from tests.architecture.sync_client import MADE, blocking, made


def test_it_is_made_of_the_other() -> None:
    files = made()
    assert {path.name for path in files} == {path.name for path in MADE.glob("*.py")}
    behind = [path.name for path, text in files.items() if path.read_text() != text]
    assert behind == [], "python -m tests.architecture.sync_client --write"


def test_nothing_is_left_of_waiting() -> None:
    text = "async def f(it: AsyncIterator[int]) -> None:\n    async for one in it:\n        await one.aclose()\n"
    assert blocking(text) == "def f(it: Iterator[int]) -> None:\n    for one in it:\n        one.close()\n"
    for path in MADE.glob("*.py"):
        assert not {"async", "await", "Async"} & set(path.read_text().replace("(", " ").replace(".", " ").split()), path.name
