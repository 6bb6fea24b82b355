"""The front page: the goods, who is signed in, and one's orders."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.csrf import check_own_form, read_form
from demo_clients.relying_party.errors import FormRefused
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.sign_out import finish_sign_out
from demo_clients.relying_party.token_routes import signed_in
from demo_clients.shop.orders import CATALOG, OrderBook, euros


@dataclass(frozen=True, slots=True)
class Storefront:
    """Handlers of the Shop's own pages."""

    party: RelyingParty
    pages: Pages
    orders: OrderBook

    async def front_page(self, request: Request) -> Response:
        """The store. With `state` in the query it is the way back from a sign-out at the provider."""
        session = browser_of(request).session
        if "state" in request.query_params:
            finish_sign_out(session, request.query_params["state"])
            return see_other("/")
        identity = session.identity if session else None
        return self.pages.render(
            request,
            "home.html",
            notice=session.notice if session else "",
            products=CATALOG,
            orders=self.orders.of(identity.subject) if identity else [],
            euros=euros,
        )

    async def place_order(self, request: Request) -> Response:
        """Order the product that the form names."""
        session, identity = signed_in(request)
        fields = await read_form(request)
        check_own_form(request, session, fields, self.party.settings.base_url)
        if self.orders.place(identity.subject, fields.get("product", ""), self.party.now()) is None:
            raise FormRefused("There is no such product.")
        return see_other("/#orders")
