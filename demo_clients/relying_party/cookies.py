"""The session cookie (RFC 6265 §4.1): opaque, HttpOnly, SameSite=Lax, gone with the browser.

Over https it is `Secure` with the `__Host-` prefix; over plain http it is neither, since WebKit would not store it.
An id that the server did not give out is never taken over (session fixation), nor is a cookie that comes twice.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo_clients.relying_party.sessions import Session, SessionStore

_SCOPE_KEY = "relying_party.browser"
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class Browser:
    """The browser behind a request, and its session if it has one."""

    def __init__(self, store: SessionStore, session_id: str | None) -> None:
        self._store = store
        self.session: Session | None = store.find(session_id) if session_id else None

    def open(self) -> Session:
        """The session, begun now if there is none."""
        if self.session is None:
            self.session = self._store.open()
        return self.session

    def renew(self) -> Session:
        """A fresh session under a new id; the old one ends. To be called whenever somebody signs in or out."""
        old = self.session
        self.session = self._store.open()
        if old is not None:
            self.session.spent_states.extend(old.spent_states)
            self.session.timeline.extend(old.timeline)
            self._store.discard(old)
        return self.session


class SessionMiddleware:
    """Finds the session of each request and sends the cookie when the id has changed."""

    def __init__(self, app: ASGIApp, *, store: SessionStore, cookie_name: str, secure: bool) -> None:
        self._app = app
        self._store = store
        self._cookie_name = cookie_name
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        presented = _presented_id(Headers(scope=scope), self._cookie_name)
        browser = scope[_SCOPE_KEY] = Browser(self._store, presented)

        async def send_with_cookie(message: Message) -> None:
            session = browser.session
            if message["type"] == "http.response.start" and session is not None and session.id != presented:
                cookie = f"{self._cookie_name}={session.id}{self._attributes}"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def browser_of(request: Request) -> Browser:
    """The browser that SessionMiddleware put beside the request."""
    browser: Browser = request.scope[_SCOPE_KEY]
    return browser


def _presented_id(headers: Headers, cookie_name: str) -> str | None:
    pairs = [pair.strip() for header in headers.getlist("cookie") for pair in header.split(";")]
    values = [pair.partition("=")[2] for pair in pairs if pair.partition("=")[0] == cookie_name]
    # Twice means that a neighbour host planted one of them; which one, nobody can tell.
    if len(values) != 1 or not _SESSION_ID.fullmatch(values[0]):
        return None
    return values[0]
