"""`/login`, `/login/initiate` and `/callback`: the two ends of the authorization request, and one begun elsewhere."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.relying_party.callback import finish_sign_in
from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.errors import SignInRefused
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.return_path import return_path
from demo_clients.relying_party.timeline import query_of, step

INITIATE_PATH = "/login/initiate"
LONGEST_HINT = 200


@dataclass(frozen=True, slots=True)
class SignInRoutes:
    """Handlers; refusals are raised and become pages in `error_pages`."""

    party: RelyingParty

    async def login(self, request: Request) -> Response:
        """Send the browser to the provider, and remember what was asked. `next` is one of our own pages."""
        return await self._begin(request, request.query_params.get("next"))

    async def initiate(self, request: Request) -> Response:
        """A sign-in that somebody else began (OIDC Core §4): `iss` must be our provider, `login_hint` is passed on,
        `target_link_uri` must be one of our own pages. Raises SignInRefused."""
        if request.method == "POST":
            # A cross-site POST brings no cookie of ours; the GET does, and keeps the session there is.
            form = await request.form(max_fields=10, max_files=0)
            fields = [(name, value) for name, value in form.items() if isinstance(value, str)]
            return see_other(f"{INITIATE_PATH}?{urlencode(fields)}")
        settings, query = self.party.settings, request.query_params
        if query.getlist("iss") != [settings.issuer]:
            raise SignInRefused(
                "The sign-in was begun for a provider that this application does not use.",
                remedy="Sign in from the front page instead.",
                detail=query.get("iss", ""),
            )
        target = query.get("target_link_uri", "").removeprefix(settings.base_url)
        return await self._begin(request, target or None, login_hint=query.get("login_hint", "")[:LONGEST_HINT] or None)

    async def _begin(self, request: Request, wanted: str | None, *, login_hint: str | None = None) -> Response:
        party = self.party
        chosen = return_path(wanted, party.settings.defaults.pages)
        pending = await party.code_flow.begin(chosen.path, login_hint=login_hint)
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
