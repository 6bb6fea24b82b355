"""The Bank's front page: the balances and the form of a transfer, which `transfer_desk` takes."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.bank.ledger import Ledger, euros
from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.sign_out import finish_sign_out


@dataclass(frozen=True, slots=True)
class Counter:
    """The handler of the front page, which other pages show too."""

    party: RelyingParty
    pages: Pages
    ledger: Ledger

    async def front_page(self, request: Request) -> Response:
        """The balances. With `state` in the query it is the way back from a sign-out at the provider."""
        if "state" in request.query_params:
            finish_sign_out(browser_of(request).session, request.query_params["state"])
            return see_other("/")
        return self.render(request)

    def render(self, request: Request, *, status: int = 200, fault: str = "", amount: str = "") -> Response:
        """The balances and the form of a transfer, with what was wrong with the last one."""
        session = browser_of(request).session
        identity = session.identity if session else None
        return self.pages.render(
            request,
            "home.html",
            status=status,
            notice=session.notice if session else "",
            customer=self.ledger.customer(identity.subject) if identity else None,
            euros=euros,
            fault=fault,
            amount=amount,
        )
