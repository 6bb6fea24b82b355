"""`/api/orders`: a customer's orders for whoever brings an access token that allows to read them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_clients.relying_party.bearer import ApiPolicy, BearerRefused, check_bearer, render_refusal
from demo_clients.relying_party.party import RelyingParty
from demo_clients.shop.orders import OrderBook


@dataclass(frozen=True, slots=True)
class OrdersApi:
    """The handler; it looks at the bearer token alone, never at a session cookie."""

    party: RelyingParty
    orders: OrderBook
    policy: ApiPolicy

    async def list_orders(self, request: Request) -> Response:
        """The orders of the token's subject; otherwise a refusal of RFC 6750 §3."""
        try:
            claims = await check_bearer(self.party, request, self.policy)
        except BearerRefused as refusal:
            return render_refusal(refusal, self.policy)
        orders = [
            {"number": order.number, "product": order.product.name, "price_cents": order.product.price_cents}
            for order in self.orders.of(claims["sub"])
        ]
        return JSONResponse({"sub": claims["sub"], "orders": orders}, headers={"Cache-Control": "no-store"})
