"""ASGI <-> core: read and bound the request on the event loop, run the core, write the answer.

The core is synchronous. It runs on the loop where nothing in it waits for long (an embedded database, no password
hash), otherwise in a thread: one hop there and back is all.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from idp.clock import monotonic
from idp.jose.keys import NoSigningKey
from idp.observe.logging import log_context
from idp.outbound.documents import DocumentNeeded
from idp.protocol.context import Server, ThreadNeeded
from idp.protocol.errors import ProtocolError, ServerError, TemporarilyUnavailable
from idp.protocol.messages import Answer, Fields, Page, Request, Response
from idp.protocol.spec import Cors
from idp.randomness import new_identifier
from idp.stores.interfaces import Group, Occupied, StorageUnavailable
from idp.web.bodies import read_body
from idp.web.cookies import Cookies
from idp.web.cors import ClientOrigins, cors_headers, preflight
from idp.web.errors import Refusals
from idp.web.headers import ALWAYS, HSTS, NOT_A_PAGE
from idp.web.parsing import Parser, TooLarge, check_bounds
from idp.web.presenting import Presenter
from idp.web.routing import Action, GroupHandler, Handler
from idp.web.threads import Threads
from idp.web.turns import Turns

log = logging.getLogger("idp.web")
# Documents of other parties: how many one request may need, and how many are fetched at once. None waits for a thread:
# behind some that drip it would take longer than R14 allows.
MOST_DOCUMENTS = 4
MOST_FETCHES = 32


@dataclass(frozen=True, slots=True)
class Result:
    """What goes out: everything decided, nothing lazy."""

    status: int
    headers: Fields
    body: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """What the core decided about a request, durably; what is left is to sign, render and write it."""

    request: Request
    answer: Response | Page | ProtocolError


class Edge:
    """Serves actions. One per application; its pools live from `start` to `stop`."""

    def __init__(
        self,
        server: Server,
        parser: Parser,
        cookies: Cookies,
        presenter: Presenter,
        refusals: Refusals,
        *,
        wake_outbox: Callable[[], None],
    ) -> None:
        self.server = server
        self._parser, self._cookies = parser, cookies
        self._presenter, self._refusals = presenter, refusals
        self._wake_outbox = wake_outbox
        settings = server.settings
        self._origins = ClientOrigins(server.storage)
        self._turns = Turns(server.storage.group, settings.queue_limit)
        self._workers = Threads(settings.worker_threads, "core", settings.queue_limit)
        self._hashers = Threads(settings.argon2.concurrent, "hash", settings.queue_limit)
        self._fetchers = ThreadPoolExecutor(MOST_FETCHES, "fetch")
        self._fetches: dict[str, asyncio.Future[None]] = {}
        self._host = urlsplit(settings.issuer).netloc.encode("ascii")
        self._always = _encoded(ALWAYS + (HSTS if settings.issuer.startswith("https:") else ()))

    def close(self) -> None:
        """Finish what is under way and end the threads."""
        self._workers.close()
        self._hashers.close()
        self._fetchers.shutdown()

    async def serve(self, action: Action, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to an action; never raises for anything that the request holds."""
        started, request_id = monotonic(), new_identifier()
        result = await self._result(action, scope, receive, request_id)
        await send({"type": "http.response.start", "status": result.status, "headers": self._head(result, request_id)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else result.body})
        level = logging.DEBUG if action.public and result.status < 400 else logging.INFO
        if not log.isEnabledFor(level):
            return
        log.log(
            level,
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"][:16],
                "path": scope["path"][:200],
                "status": result.status,
                "milliseconds": round((monotonic() - started) * 1000, 1),
            },
        )

    def _head(self, result: Result, request_id: str) -> list[tuple[bytes, bytes]]:
        headers = [*self._always, *_encoded(result.headers), (b"x-request-id", request_id.encode("ascii"))]
        if not any(name == "content-security-policy" for name, _ in result.headers):
            headers += ENCODED_NOT_A_PAGE
        if result.status != 204:
            # RFC 9110 §8.6.
            headers.append((b"content-length", b"%d" % len(result.body)))
        return headers

    async def _result(self, action: Action, scope: Scope, receive: Receive, request_id: str) -> Result:
        method = scope["method"]
        if (status := self._unserved(action, scope)) is not None:
            return self._plain(status, action, scope, request_id)
        try:
            check_bounds(scope)
            if method == "OPTIONS" and action.cors is not Cors.NONE:
                return await self._workers.run(lambda: self._preflight(action, scope))
            if method not in action.methods and not (method == "HEAD" and action.head):
                return self._plain(405, action, scope, request_id, (("allow", action.allow),))
            body = await read_body(scope, receive)
        except TooLarge as error:
            return self._plain(error.status, action, scope, request_id)
        try:
            # What needs a document, or has to wait, takes the usual way; nothing was done by then.
            with suppress(DocumentNeeded, ThreadNeeded, Occupied):
                if action.at_once is not None and (handle := action.at_once(self.server)) is not None:
                    return self._core(action, handle, scope, body, request_id)
                if action.in_turn is not None and self.server.storage.is_embedded and self._turns.are_quick():
                    decide = partial(self._decide_in_group, action.in_turn, scope, body, request_id)
                    return self._deliver(action, await self._turns.run(decide))
            return await self._with_documents(action, scope, body, request_id)
        except Exception as error:
            decision = Decision(self._parser.outline(scope, request_id), self._meaning(error, request_id))
            return self._deliver(action, decision)

    def _unserved(self, action: Action, scope: Scope) -> int | None:
        """Return 404 for a path that nothing serves, 421 for a Host that is not the issuer's (RFC 9110 §15.5.20)."""
        if not action.path:
            return 404
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        any_host = self.server.settings.allow_any_host or action.path.startswith("/health")
        return None if any_host or hosts == [self._host] else 421

    async def _with_documents(self, action: Action, scope: Scope, body: bytes, request_id: str) -> Result:
        """Run the core, and again with each document that it finds it needs. Raises `TemporarilyUnavailable`."""
        fetched: frozenset[str] = frozenset()
        threads = self._hashers if action.hashes else self._workers
        while True:
            # Bound now: the loop goes on while the call may still run.
            call = partial(self._core, action, action.handle, scope, body, request_id, fetched)
            try:
                return await threads.run(call)
            except DocumentNeeded as needed:
                if len(fetched) == MOST_DOCUMENTS or needed.url in fetched:
                    raise TemporarilyUnavailable("A document could not be kept.", retry_after_seconds=2) from needed
                await self._fetch(needed.url)
                fetched |= {needed.url}

    async def _fetch(self, url: str) -> None:
        """Fetch a document in a thread of its own kind; those who need the same one wait for it together."""
        under_way = self._fetches.get(url)
        if under_way is None:
            if len(self._fetches) >= MOST_FETCHES:
                raise TemporarilyUnavailable("Too many documents are being fetched.", retry_after_seconds=5)
            loop = asyncio.get_running_loop()
            under_way = loop.run_in_executor(self._fetchers, self.server.documents.fetch, url)
            self._fetches[url] = under_way
            under_way.add_done_callback(lambda _: self._fetches.pop(url, None))
        await asyncio.shield(under_way)

    def _core(
        self,
        action: Action,
        handle: Handler,
        scope: Scope,
        body: bytes,
        request_id: str,
        fetched: frozenset[str] = frozenset(),
    ) -> Result:
        """Decide and deliver, in a thread or at once. Raises `DocumentNeeded` and `ThreadNeeded`."""
        decision = self._decide(lambda request: handle(request, self.server), scope, body, request_id, fetched)
        return self._deliver(action, decision)

    def _decide_in_group(
        self, handle: GroupHandler, scope: Scope, body: bytes, request_id: str, group: Group
    ) -> Decision:
        return self._decide(lambda request: handle(request, self.server, group), scope, body, request_id)

    def _decide(
        self,
        handle: Callable[[Request], Answer],
        scope: Scope,
        body: bytes,
        request_id: str,
        fetched: frozenset[str] = frozenset(),
    ) -> Decision:
        """Parse and decide. Raises `DocumentNeeded` and `ThreadNeeded`; what else fails is decided as well."""
        # Every line that is logged meanwhile carries the request's id.
        with log_context(request_id):
            request = None
            try:
                request = self._parser.parse(scope, body, request_id, fetched)
                return Decision(request, handle(request))
            except (DocumentNeeded, ThreadNeeded):
                raise
            except Exception as error:
                request = request or self._parser.outline(scope, request_id)
                return Decision(request, self._meaning(error, request_id))

    def _deliver(self, action: Action, decision: Decision) -> Result:
        """Sign, render and write what was decided."""
        request, answer = decision.request, decision.answer
        with log_context(request.request_id):
            try:
                if isinstance(answer, ProtocolError):
                    result = self._refusal(answer, action, request)
                else:
                    result = self._finish(answer, request)
            except Exception as error:
                result = self._refusal(self._meaning(error, request.request_id), action, request)
            if action.cors is Cors.NONE:
                return result
            allowed = cors_headers(action.cors, request.headers, self._origins)
        return Result(result.status, result.headers + allowed, result.body)

    def _meaning(self, error: Exception, request_id: str) -> ProtocolError:
        """Return what is answered where an error ended the work; called while it is handled."""
        if isinstance(error, ProtocolError):
            return error
        if isinstance(error, MemoryError):
            log.exception("out of memory", extra={"request_id": request_id})
            return TemporarilyUnavailable("There is too much to do for a moment.", retry_after_seconds=5)
        if isinstance(error, StorageUnavailable | NoSigningKey):
            # One line: while the database is away there is one for every request.
            reason = f"{type(error).__name__}: {error}"
            log.error("unavailable", extra={"request_id": request_id, "reason": reason[:300]})
            return TemporarilyUnavailable("The service is unavailable for a moment.", retry_after_seconds=5)
        log.exception("unforeseen", extra={"request_id": request_id})
        return ServerError("Something went wrong on our side.")

    def _finish(self, answer: Response | Page, request: Request) -> Result:
        if isinstance(answer, Page):
            answer = self._presenter.present(answer, request)
        headers = answer.headers
        if answer.browser is not None:
            headers += tuple(("set-cookie", value) for value in self._cookies.write(answer.browser))
            # A changed browser is a session begun or ended: notices of it should not wait for the next poll.
            self._wake_outbox()
        if answer.language is not None:
            headers += (("set-cookie", self._cookies.write_language(answer.language)),)
        body = answer.body() if callable(answer.body) else answer.body
        return Result(answer.status, headers, body)

    def _refusal(self, error: ProtocolError, action: Action, request: Request) -> Result:
        log.info(
            "refused",
            extra={
                "request_id": request.request_id,
                "error": error.error,
                "description": error.description,
                "detail": error.detail[:200],
            },
        )
        return self._finish(self._refusals.answer(error, action.errors, request), request)

    def _plain(self, status: int, action: Action, scope: Scope, request_id: str, headers: Fields = ()) -> Result:
        request = self._parser.outline(scope, request_id)
        result = self._finish(self._refusals.status_answer(status, action.errors), request)
        return Result(result.status, result.headers + headers, result.body)

    def _preflight(self, action: Action, scope: Scope) -> Result:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return Result(204, preflight(action.cors, action.methods, headers, self._origins), b"")


def _encoded(headers: Fields) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


ENCODED_NOT_A_PAGE = _encoded(NOT_A_PAGE)
