"""`/logout` with its two ways out, and `/events`, by which a page learns that its session is over."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.csrf import check_own_form, read_form
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.sign_out import sign_out_everywhere, sign_out_here

EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class SignOutRoutes:
    """Handlers of signing out."""

    party: RelyingParty
    pages: Pages

    async def choose(self, request: Request) -> Response:
        """The page that asks: here only, or everywhere."""
        session = browser_of(request).session
        if session is None or session.identity is None:
            return see_other("/")
        return self.pages.render(request, "logout.html")

    async def sign_out(self, request: Request) -> Response:
        """Do it. The field `where` is `here` or `everywhere`."""
        browser = browser_of(request)
        fields = await read_form(request)
        check_own_form(request, browser.session, fields, self.party.settings.base_url)
        if fields.get("where") == EVERYWHERE:
            return see_other(await sign_out_everywhere(self.party, browser))
        await sign_out_here(self.party, browser)
        return see_other("/")

    async def events(self, request: Request) -> Response:
        """The event stream of this browser's session."""
        session = browser_of(request).session
        signed_in = session is not None and session.identity is not None
        stream = self.party.events.stream(session.id if session else "", signed_in=signed_in)
        # no-transform: a proxy that compresses would hold events back.
        headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
