"""A relying party as an ASGI application: what both web applications have in common, plus their own routes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo_clients.relying_party.backchannel_logout import BackchannelLogout
from demo_clients.relying_party.cookies import SessionMiddleware
from demo_clients.relying_party.discovery import origin_of
from demo_clients.relying_party.error_pages import ErrorPages
from demo_clients.relying_party.headers import SecurityHeadersMiddleware
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sign_in_routes import INITIATE_PATH, SignInRoutes
from demo_clients.relying_party.sign_out_routes import SignOutRoutes
from demo_clients.relying_party.token_routes import TokenRoutes
from demo_clients.relying_party.try_routes import TryRoutes

MAX_BODY_BYTES = 65_536
SHARED_PACKAGE = "demo_clients.relying_party"

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class WebApp:
    """The application and the parts that the process around it needs."""

    asgi: ASGIApp
    party: RelyingParty


def build_web_app(party: RelyingParty, pages: Pages, package: str, own_routes: Sequence[BaseRoute]) -> WebApp:
    """Put routes, error pages, sessions and headers around each other. `package` has the folder `static`."""
    settings = party.settings
    static = StaticFiles(packages=[(package, "static"), (SHARED_PACKAGE, "static")])
    application = Starlette(
        routes=[*_common_routes(party, pages), *own_routes, Mount("/static", revalidated(static))],
        exception_handlers=ErrorPages(settings, pages).handlers(),
        lifespan=_lifespan(party),
        max_body_size=MAX_BODY_BYTES,
    )
    application.router.redirect_slashes = False  # it would copy the Host header into a Location
    sessions = SessionMiddleware(
        application, store=party.sessions, cookie_name=settings.cookie_name, secure=settings.uses_https
    )
    # Outermost, so that refusals of Starlette itself carry the headers too.
    headers = SecurityHeadersMiddleware(sessions, form_origins=_form_origins(party), https=settings.uses_https)
    return WebApp(headers, party)


def get_only(path: str, endpoint: Endpoint) -> Route:
    """A GET route without the HEAD that Starlette adds: a HEAD must not use up a state or open a stream."""
    route = Route(path, endpoint, methods=["GET"])
    route.methods = {"GET"}
    return route


def template_directories(package_file: str) -> list[Path]:
    """Where an application's own templates are, given the `__file__` of one of its modules."""
    return [Path(package_file).parent / "templates"]


def revalidated(static: ASGIApp) -> ASGIApp:
    """Let browsers keep static files but ask each time whether they changed."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_cache_control(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"cache-control", b"no-cache")]
            await send(message)

        await static(scope, receive, send_with_cache_control)

    return application


def _common_routes(party: RelyingParty, pages: Pages) -> list[BaseRoute]:
    sign_in, sign_out = SignInRoutes(party), SignOutRoutes(party, pages)
    tokens, tries = TokenRoutes(party, pages), TryRoutes(party, pages)
    return [
        get_only("/login", sign_in.login),
        Route(INITIATE_PATH, sign_in.initiate, methods=["GET", "POST"]),
        get_only("/callback", sign_in.callback),
        Route("/token", tokens.show),
        Route("/renew", tokens.renew, methods=["POST"]),
        Route("/timeline", tokens.timeline),
        Route("/try", tries.show, methods=["GET"]),
        Route("/try", tries.run, methods=["POST"]),
        Route("/logout", sign_out.choose, methods=["GET"]),
        Route("/logout", sign_out.sign_out, methods=["POST"]),
        Route("/backchannel-logout", BackchannelLogout(party).receive, methods=["POST"]),
        get_only("/events", sign_out.events),
    ]


def _form_origins(party: RelyingParty) -> Callable[[], frozenset[str]]:
    def origins() -> frozenset[str]:
        known = party.discovery.known
        urls = [party.settings.issuer, *([known.end_session_endpoint] if known and known.end_session_endpoint else [])]
        return frozenset(origin_of(url) for url in urls)

    return origins


def _lifespan(party: RelyingParty) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await party.close()

    return lifespan
