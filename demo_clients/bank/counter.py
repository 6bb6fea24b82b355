"""The Bank's own pages: the balances, and moving money between one's own accounts."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.bank.ledger import Ledger, TransferRefused, euros
from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.csrf import check_own_form, read_form
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.sign_out import finish_sign_out
from demo_clients.relying_party.token_routes import signed_in


@dataclass(frozen=True, slots=True)
class Counter:
    """Handlers of the Bank's own pages."""

    party: RelyingParty
    pages: Pages
    ledger: Ledger

    async def front_page(self, request: Request) -> Response:
        """The balances. With `state` in the query it is the way back from a sign-out at the provider."""
        if "state" in request.query_params:
            finish_sign_out(browser_of(request).session, request.query_params["state"])
            return see_other("/")
        return self._render(request)

    async def transfer(self, request: Request) -> Response:
        """Move the amount of the form; a wrong amount shows the page again with the reason."""
        session, identity = signed_in(request)
        fields = await read_form(request)
        check_own_form(request, session, fields, self.party.settings.base_url)
        amount = fields.get("amount", "")
        try:
            self.ledger.transfer(identity.subject, fields.get("source", ""), amount, self.party.now())
        except TransferRefused as refusal:
            return self._render(request, status=400, fault=str(refusal), amount=amount)
        return see_other("/#accounts")

    def _render(self, request: Request, *, status: int = 200, fault: str = "", amount: str = "") -> Response:
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
