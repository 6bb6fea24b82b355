"""`/try`: buttons that call the peer's API with good and bad tokens, and attack this application's own sign-in."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.relying_party.attacks import ATTACKS, run_attack
from demo_clients.relying_party.attempt_result import AttemptResult
from demo_clients.relying_party.attempts import ATTEMPTS, run_attempt
from demo_clients.relying_party.cookies import Browser, browser_of
from demo_clients.relying_party.csrf import check_own_form, read_form
from demo_clients.relying_party.errors import FormRefused
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.token_routes import signed_in

ALL_ATTEMPTS = "all"
"""The button that makes all calls of the peer's API, one after the other."""


@dataclass(frozen=True, slots=True)
class TryRoutes:
    """Handlers of the page. Results are kept in the session, so that a reload repeats nothing."""

    party: RelyingParty
    pages: Pages

    async def show(self, request: Request) -> Response:
        """The buttons and the latest results. Results stay readable after an attack cost the sign-in."""
        session = browser_of(request).session
        settings = self.party.settings
        return self.pages.render(
            request,
            "try.html",
            attempts=ATTEMPTS,
            attacks=ATTACKS,
            results=list(session.results) if session else [],
            api_url=settings.peer_url + settings.defaults.peer_api_path,
        )

    async def run(self, request: Request) -> Response:
        """Run what the field `attempt` names, then show the page again."""
        session, _ = signed_in(request)
        fields = await read_form(request)
        check_own_form(request, session, fields, self.party.settings.base_url)
        browser = browser_of(request)
        results = await self._results(browser, fields.get("attempt", ""))
        browser.open().results.extendleft(reversed(results))  # the newest batch on top, in its own order
        return see_other("/try#results")

    async def _results(self, browser: Browser, key: str) -> list[AttemptResult]:
        session = browser.open()
        chosen = [attempt for attempt in ATTEMPTS if key in (attempt.key, ALL_ATTEMPTS)]
        results = [await run_attempt(self.party, session, attempt) for attempt in chosen]
        results += [await run_attack(self.party, browser, attack) for attack in ATTACKS if attack.key == key]
        if not results:
            raise FormRefused("There is no such button.")
        return results
