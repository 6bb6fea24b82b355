"""The Shop put together: what it is, and its routes."""

import time
from collections.abc import Callable

import httpx2
from starlette.routing import Route

from demo_clients.relying_party.bearer import ApiPolicy
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import build_party
from demo_clients.relying_party.settings import PartyDefaults, Settings
from demo_clients.relying_party.web import WebApp, build_web_app, template_directories
from demo_clients.shop.api import OrdersApi
from demo_clients.shop.orders import OrderBook
from demo_clients.shop.storefront import Storefront

DEFAULTS = PartyDefaults(
    name="Shop",
    client_id="shop",
    token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the name of a method
    port=9001,
    base_url="http://shop.localhost:9001",
    peer_url="http://bank.localhost:9002",
    peer_name="Bank",
    api_path="/api/orders",
    api_scope="orders.read",
    peer_api_path="/api/accounts",
    peer_api_scope="accounts.read",
    pages=frozenset({"/", "/token", "/try", "/timeline"}),
)


def create_app(
    settings: Settings,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    now: Callable[[], int] = lambda: int(time.time()),
) -> WebApp:
    """The application. `transport` and `now` replace the network and the clock in tests."""
    party = build_party(settings, transport=transport, now=now)
    pages = Pages(settings, template_directories(__file__))
    orders = OrderBook()
    storefront = Storefront(party, pages, orders)
    api = OrdersApi(party, orders, ApiPolicy("shop", settings.resource, DEFAULTS.api_scope, role="customer"))
    own_routes = [
        Route("/", storefront.front_page),
        Route("/orders", storefront.place_order, methods=["POST"]),
        Route(DEFAULTS.api_path, api.list_orders),
    ]
    return build_web_app(party, pages, "demo_clients.shop", own_routes)
