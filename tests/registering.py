"""What the tests of dynamic registration share: a provider that takes registrations, and clients that register."""

from typing import Any

import httpx2

from idp.accounts.invitations import issue_invitation
from idp.stores.records import Client
from tests.provider import Browser, House, make_house

PATH = "/oauth2/register"
CALLBACK = "https://new.example/cb"
# Members that the server adds to those of the client.
ADDED = {"client_id", "client_id_issued_at", "registration_client_uri", "registration_access_token"}
READ_ONLY = {"client_id_issued_at", "client_secret_expires_at", "registration_client_uri", "registration_access_token"}


def registering(house: House, **settings: Any) -> House:
    """Return the same provider, with the same database and keys, where anyone may register clients."""
    key_file = house.server.settings.key_encryption_key_file
    return make_house(house.storage, key_file, **({"registration": "open"} | settings))


def send(browser: Browser, token: str | None = None, **members: Any) -> httpx2.Response:
    """Register a client with a redirect URI and further members; one given as None is left out."""
    given = {"redirect_uris": [CALLBACK]} | members
    body = {name: value for name, value in given.items() if value is not None}
    return browser.post(PATH, json=body, headers=bearer(token))


def register(browser: Browser, **members: Any) -> dict[str, Any]:
    """Register a client and return what it is told."""
    response = send(browser, **members)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def manage(
    browser: Browser, method: str, client: dict[str, Any], token: str | None = "", json: Any = None
) -> httpx2.Response:
    """Send a management request with the client's own token, another one, or (None) without any."""
    sent = client["registration_access_token"] if token == "" else token
    return browser.request(method, client["registration_client_uri"], headers=bearer(sent), json=json)


def metadata_of(client: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the whole metadata as the client has to send them back (RFC 7592 §2.2), changed."""
    kept = {name: value for name, value in client.items() if name not in READ_ONLY}
    return {name: value for name, value in (kept | changes).items() if value is not None}


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that carries a token, if there is one."""
    return {} if token is None else {"authorization": f"Bearer {token}"}


def invite(house: House, seconds: int = 86_400) -> str:
    """Return a new initial access token."""
    with house.storage.begin() as uow:
        return issue_invitation(uow, now=house.clock.now(), expires_at=house.clock.now() + seconds)[0]


def stored(house: House, client: dict[str, Any]) -> Client | None:
    """Return a client as it is in the database."""
    with house.storage.snapshot() as uow:
        return uow.clients.find(client["client_id"])


def audit_names(house: House) -> list[str]:
    """Return the names of all audit events."""
    with house.storage.snapshot() as uow:
        return [event.name for event in uow.audit.list(limit=1000)]
