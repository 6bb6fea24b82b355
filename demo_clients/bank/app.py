"""The Bank put together: what it is, and its routes."""

import time
from collections.abc import Callable

import httpx2
from starlette.routing import Route

from demo_clients.bank.api import AccountsApi
from demo_clients.bank.counter import Counter
from demo_clients.bank.ledger import Ledger
from demo_clients.relying_party.bearer import ApiPolicy
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import build_party
from demo_clients.relying_party.settings import PartyDefaults, Settings
from demo_clients.relying_party.web import WebApp, build_web_app, template_directories

DEFAULTS = PartyDefaults(
    name="Bank",
    client_id="bank",
    token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
    port=9002,
    base_url="http://bank.localhost:9002",
    peer_url="http://shop.localhost:9001",
    peer_name="Shop",
    api_path="/api/accounts",
    api_scope="accounts.read",
    peer_api_path="/api/orders",
    peer_api_scope="orders.read",
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
    ledger = Ledger()
    counter = Counter(party, pages, ledger)
    api = AccountsApi(party, ledger, ApiPolicy("bank", settings.resource, DEFAULTS.api_scope, role="customer"))
    own_routes = [
        Route("/", counter.front_page),
        Route("/transfers", counter.transfer, methods=["POST"]),
        Route(DEFAULTS.api_path, api.list_accounts),
    ]
    return build_web_app(party, pages, "demo_clients.bank", own_routes)
