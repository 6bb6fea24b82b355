"""`/login` and `/callback`: the two ends of the authorization request."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.relying_party.callback import finish_sign_in
from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.return_path import return_path
from demo_clients.relying_party.timeline import query_of, step


@dataclass(frozen=True, slots=True)
class SignInRoutes:
    """Handlers; refusals are raised and become pages in `error_pages`."""

    party: RelyingParty

    async def login(self, request: Request) -> Response:
        """Send the browser to the provider, and remember what was asked. `next` is one of our own pages."""
        party = self.party
        chosen = return_path(request.query_params.get("next"), party.settings.defaults.pages)
        pending = await party.code_flow.begin(chosen.path)
        session = browser_of(request).open()
        session.remember(pending)
        session.timeline.clear()
        name = party.settings.defaults.name
        session.timeline.append(
            step(party.now(), name, "Browser", "Authorization request: go and ask there", query_of(pending.url))
        )
        return see_other(pending.url)

    async def callback(self, request: Request) -> Response:
        """Take the provider's answer; on success go on to the page that was wanted, without the code in the address."""
        return see_other(await finish_sign_in(self.party, browser_of(request), request.query_params))


def see_other(location: str) -> Response:
    """A 303 whose Location is exactly the text given: Starlette's RedirectResponse would quote it anew."""
    return Response(status_code=303, headers={"Location": location})
