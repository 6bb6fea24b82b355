"""The Bank put together: what it is, and its routes."""

import time
from collections.abc import Callable
from dataclasses import replace

import httpx2
from starlette.routing import Route

from demo_clients.bank.api import TRANSFERS_PATH, BankApi
from demo_clients.bank.counter import Counter
from demo_clients.bank.ledger import Ledger
from demo_clients.bank.transfer_desk import TransferDesk
from demo_clients.bank.transfers import Orders
from demo_clients.relying_party.bearer import ApiPolicy
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import build_party
from demo_clients.relying_party.settings import PartyDefaults, Settings
from demo_clients.relying_party.web import WebApp, build_web_app, get_only, template_directories

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
    own_scopes=("transfers.write",),
)
STRONG_SIGN_IN = ("urn:signet:acr:mfa", "phr")
"""Classes that may move money: two factors, or a passkey."""
MAX_SIGN_IN_AGE_SECONDS = 900


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
    desk = TransferDesk(counter, Orders(party.now))
    reading = ApiPolicy("bank", settings.resource, DEFAULTS.api_scope, role="customer")
    moving = replace(
        reading, scope="transfers.write", acr_values=STRONG_SIGN_IN, max_age_seconds=MAX_SIGN_IN_AGE_SECONDS
    )
    api = BankApi(party, ledger, reading, moving)
    own_routes = [
        Route("/", counter.front_page),
        Route("/transfers", desk.order, methods=["POST"]),
        get_only("/transfers/{order_id}", desk.show),
        Route("/transfers/{order_id}/prove", desk.prove, methods=["POST"]),
        Route(DEFAULTS.api_path, api.list_accounts),
        Route(TRANSFERS_PATH, api.transfer, methods=["POST"]),
    ]
    return build_web_app(party, pages, "demo_clients.bank", own_routes)
