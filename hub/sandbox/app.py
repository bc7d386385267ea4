"""The sandbox as an ASGI app: key checked, fault drawn, answer replayed or made, all state in one transaction per call."""

import asyncio
import base64
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from hub.sandbox import accounts, control, hosted
from hub.sandbox.answers import Answer, Json, Problem, invalid, render, server_error, unauthorized
from hub.sandbox.answers import rate_limited as too_many
from hub.sandbox.call import API_VERSION, Call
from hub.sandbox.due import happen
from hub.sandbox.faults import Fault, Faults, Mode, until_gone
from hub.sandbox.forms import decode, read
from hub.sandbox.idempotency import Keys, fingerprint
from hub.sandbox.routes import Route, route_of
from hub.sandbox.sender import Sender
from hub.sandbox.show import show
from hub.sandbox.store import PLATFORM, Store
from hub.sandbox.visits import visit
from hub.sandbox.webhook_endpoints import Endpoint, ensure, forget_given

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

SECRET = "sk_test_sandbox"  # noqa: S105  # the key of a simulation opens nothing
BODY_MAX = 1 << 20
OK = 200


class Request(msgspec.Struct, frozen=True):
    """One HTTP request, read."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    id: str
    scheme: str = "http"

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.headers.get('host', 'sandbox')}"

    @property
    def account(self) -> str:
        return self.headers.get("stripe-account", PLATFORM)

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key") if self.method == "POST" else None


class Sandbox:
    """The simulated Stripe. Safe under concurrency on one event loop: nothing is awaited inside a transaction."""

    def __init__(self, store: Store, clock: Callable[[], float], secret: str) -> None:
        self.store = store
        self.faults = Faults()
        self.sender = Sender(store, self.now, self._settle)
        self._keys = Keys(store)
        self._clock = clock
        self._credentials = {f"Bearer {secret}", "Basic " + base64.b64encode(f"{secret}:".encode()).decode()}

    def now(self) -> int:
        """The sandbox's time, unix seconds."""
        return int(self._clock()) + self.store.fact(control.OFFSET)

    def close(self) -> None:
        """Let go of the file."""
        self.store.close()

    async def deliver(self) -> int:
        """Send every webhook that is due, once, here and now; the number of attempts. For use without a port."""
        return await self.sender.deliver()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        try:
            answer = await self._answer(request, receive)
        except Problem as problem:
            answer = render(problem)
        if request.method != "GET":
            self.sender.wake()
        await _write(answer, request, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.sender.start()
            else:
                await self.sender.stop()
                self.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def _settle(self) -> None:
        with self.store.transaction():
            happen(Call(store=self.store, now=self.now()))

    async def _answer(self, request: Request, receive: Receive) -> Answer | None:
        if request.method == "GET" and request.path.rstrip("/") == control.ROOT:
            return _json(control.about(self.now()))
        if request.path.startswith(hosted.ROOT):
            with self.store.transaction():
                return visit(self._call(request, ()), request.method, request.path, request.body)
        if request.headers.get("authorization") not in self._credentials:
            raise unauthorized()
        if len(request.body) > BODY_MAX:
            raise invalid("The request is too large.")
        if request.path.startswith(control.ROOT):
            with self.store.transaction():
                call = self._call(request, ())
                happen(call)
                return _json(control.switch(request.method, request.path, request.body, call, self))
        fault = self.faults.take(request.method, request.path)
        if fault is None:
            return self._act(request)
        return await self._act_badly(request, receive, fault)

    async def _act_badly(self, request: Request, receive: Receive, fault: Fault) -> Answer | None:
        """Go wrong as ordered. None is a cut connection."""
        await self._before(request, receive, fault)
        if fault.mode in {Mode.DROP_BEFORE, Mode.HANG_BEFORE}:
            return None
        answer = self._act(request, broken=fault.mode)
        if fault.mode is Mode.HANG_AFTER:
            await until_gone(receive)
        return None if fault.mode in {Mode.DROP_AFTER, Mode.HANG_AFTER} else answer

    async def _before(self, request: Request, receive: Receive, fault: Fault) -> None:
        match fault.mode:
            case Mode.RATE_LIMITED:
                raise too_many()
            case Mode.ERROR_BEFORE:
                raise server_error(kept=False)
            case Mode.HANG_BEFORE:
                with self._keys.hold(request.account, request.key):
                    await until_gone(receive)
            case Mode.SLOW:
                with self._keys.hold(request.account, request.key):
                    await asyncio.sleep(fault.seconds)
            case _:
                pass

    def _act(self, request: Request, *, broken: Mode | None = None) -> Answer:
        """Replay or run, and save, in one transaction."""
        route, ids = route_of(request.method, request.path)
        print_ = fingerprint(request.method, request.path, request.body)
        with self.store.transaction():
            call = self._call(request, ids)
            happen(call)
            if request.key is not None and (saved := self._keys.saved(request.account, request.key, print_, call.now)):
                return saved
            with self._keys.hold(request.account, request.key):
                answer = self._run(call, request, route, broken)
                if request.key is not None:
                    self._keys.save(request.account, request.key, print_, call.now, request.id, answer)
        return Answer(OK, b"<html>upstream</html>") if broken is Mode.GARBAGE else answer

    def _run(self, call: Call, request: Request, route: Route, broken: Mode | None) -> Answer:
        """The endpoint's answer to keep. Raises `Problem` where it is not to be kept, which undoes whatever was begun."""
        form = read(decode(request.body.decode(errors="replace") if request.method == "POST" else request.query), route.shape)
        try:
            if broken is Mode.ERROR_BURNT:
                raise server_error(kept=True)
            answer = _json(show(call, route.handle(call, form), form.expand))
        except Problem as problem:
            if not problem.kept:
                raise
            answer = render(problem)
        return render(server_error(kept=True)) if broken is Mode.ERROR_SAVED else answer

    def _call(self, request: Request, ids: tuple[str, ...]) -> Call:
        if request.account != PLATFORM and self.store.get(request.account, "account") is None:
            raise invalid(f"The provided key does not have access to account '{request.account}'.", code="account_invalid")
        return Call(
            store=self.store, now=self.now(), account=request.account, key=request.key, request=request.id, ids=ids, base=request.base
        )


def create_sandbox(
    path: Path | None = None,
    *,
    clock: Callable[[], float] = time.time,
    secret: str = SECRET,
    onboard: bool = False,
    webhooks: Sequence[Endpoint] = (),
) -> Sandbox:
    """A simulated Stripe as an ASGI app. Its state is in the SQLite file `path` and outlives the process; None keeps it in memory.

    With `onboard`, new connected accounts are onboarded at once, as if every vendor had filled in its forms. `webhooks` are told
    of everything from the start: in the background behind a port, by `Sandbox.deliver` without one.
    """
    store = Store(path)
    sandbox = Sandbox(store, clock, secret)
    with store.transaction():
        store.set_fact(accounts.ONBOARDS_AT_ONCE, int(onboard))
        forget_given(Call(store=store, now=sandbox.now()), webhooks)
        for endpoint in webhooks:
            ensure(Call(store=store, now=sandbox.now()), endpoint)
    return sandbox


def _json(obj: Json) -> Answer:
    return Answer(OK, msgspec.json.encode(obj))


async def _read(scope: Scope, receive: Receive) -> Request:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > BODY_MAX:
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"].decode(),
        headers,
        body,
        f"req_{secrets.token_hex(7)}",
        scope.get("scheme", "http"),
    )


async def _write(answer: Answer | None, request: Request, send: Send) -> None:
    if answer is None:
        # Headers that promise more than comes, then nothing: the server closes the connection, which is the cut.
        await send({"type": "http.response.start", "status": OK, "headers": [(b"content-length", b"1000")]})
        return
    headers = {
        "content-type": "application/json",
        "content-length": str(len(answer.body)),
        "request-id": request.id,
        "stripe-version": request.headers.get("stripe-version", API_VERSION),
        **answer.headers,
    }
    if request.key is not None:
        headers["idempotency-key"] = request.key
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})
