"""Serves an emulator until a signal: the vendor API and the controls on loopback, the story on the terminal."""

import asyncio
import signal
from collections.abc import Callable

from vendor_sdk.emulator.emulator import Emulator
from vendor_sdk.emulator.http import webhooks
from vendor_sdk.emulator.http.routes import answer, refusal
from vendor_sdk.emulator.http.webhooks import New
from vendor_sdk.emulator.http.wire import Server
from vendor_sdk.emulator.refusals import Refusal
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.errors import Misconfigured

FORWARDED = "--forward-to"


async def serve(emulator: Emulator, *, port: int, forward_to: str | None, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises `Misconfigured` for a port that is taken or a URL that is none."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if forward_to is not None:
        _forward(emulator, forward_to, say)
    await emulator.start()
    running = asyncio.create_task(emulator.run())
    server = Server(lambda request: answer(emulator, request), refusal)
    try:
        base = f"http://127.0.0.1:{await _listen(server, port)}"
        say(f"vendor API   {base}/v1/vendor   Authorization: Bearer {emulator.book.api_key}")
        say(f"controls     {base}/_emulator")
        await _either(ended, running)
    finally:
        await server.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await emulator.stop()


async def _listen(server: Server, port: int) -> int:
    try:
        return await server.start(port)
    except OSError as error:
        raise Misconfigured(f"cannot listen on port {port}: {error.strerror}") from error


async def _either(ended: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Until the signal; a defect in what runs ends it too, and is raised."""
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({waiting, running}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()


def _forward(emulator: Emulator, url: str, say: Callable[[str], None]) -> None:
    """An endpoint for this URL; the one of an earlier start goes on, with its secret."""

    def work(turn: Turn) -> str:
        for endpoint in turn.book.endpoints.values():
            if endpoint.url == url and endpoint.description == FORWARDED:
                endpoint.state, endpoint.reason = "enabled", ""
                return endpoint.secret
        return webhooks.add(turn, New(url=url, description=FORWARDED)).secret

    try:
        say(f"webhooks     {url}   signed with {emulator.change(work)}")
    except Refusal as no:
        raise Misconfigured(f"{FORWARDED} {url}: {no}") from no
