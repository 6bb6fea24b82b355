"""A real provider for the tests: the real application over a real SQLite file or the memory store, a clock that can be
set, cheap password hashing, and a browser with a cookie jar."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from starlette.testclient import TestClient

from idp.accounts.accounts import create_account
from idp.accounts.clients import create_client
from idp.app import Provider, build_application_of, build_provider
from idp.authentication.methods.password import Passwords
from idp.settings import Settings
from idp.stores.interfaces import Storage
from idp.stores.records import Account, Resource

ISSUER = "https://idp.example"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PASSWORD = "correct horse battery staple"
API = "https://api.example/v1"
SECRET = "s" * 43
FULL_CLAIMS: dict[str, Any] = {
    "name": "Alice Example",
    "family_name": "Example",
    "given_name": "Alice",
    "email_verified": True,
    "phone_number": "+1 555 0100",
    "phone_number_verified": False,
    "address": {"locality": "Sampleton", "country": "XX"},
    "birthdate": "1990-01-31",
}


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.at = now

    def now(self) -> int:
        """Return the set instant."""
        return self.at

    def move(self, seconds: int) -> None:
        """Go on."""
        self.at += seconds


@dataclass
class Answer:
    """An authorization response as the client's redirect URI receives it."""

    response: httpx2.Response
    params: dict[str, str] = field(default_factory=dict)


class House:
    """One provider with its accounts and clients, and browsers to drive it."""

    def __init__(self, provider: Provider, clock: SettableClock) -> None:
        self.provider, self.clock = provider, clock
        self.server = provider.server
        self.storage: Storage = provider.server.storage
        self.app = build_application_of(provider)
        self.passwords = Passwords(provider.server.settings.argon2)

    def browser(self, **options: Any) -> "Browser":
        """Return a browser without cookies."""
        return Browser(self, **options)

    def add_account(self, username: str = "alice", **more: Any) -> Account:
        """Add an account with the usual password."""
        with self.storage.begin() as uow:
            return create_account(
                uow,
                username=username,
                email=more.pop("email", f"{username}@example.org"),
                claims=more.pop("claims", FULL_CLAIMS),
                roles=more.pop("roles", ("customer",)),
                password_hash=self.passwords.hash(more.pop("password", PASSWORD)),
                now=self.clock.now(),
            )

    def add_client(
        self,
        client_id: str,
        *,
        first_party: bool = True,
        secret: str = SECRET,
        registration_token: str | None = None,
        **metadata: Any,
    ) -> None:
        """Add a client whose metadata goes through the registry's checks; with a registration access token it is one
        that registered itself."""
        defaults: dict[str, Any] = {
            "client_name": client_id.title(),
            "redirect_uris": ["https://rp.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email address phone offline_access roles api.read",
        }
        checked = self.server.registry.check_client_metadata(defaults | metadata, self.server.settings)
        with self.storage.begin() as uow:
            create_client(
                uow,
                client_id=client_id,
                metadata=checked,
                first_party=first_party,
                secret=secret,
                registration_token=registration_token,
                vault=self.server.vault,
                now=self.clock.now(),
            )

    def add_resource(self, identifier: str = API, client_id: str | None = None, **scopes: str) -> None:
        """Add a protected resource; by default with the scope api.read."""
        with self.storage.begin() as uow:
            known = scopes or {"api.read": "Read"}
            uow.resources.put(Resource(identifier=identifier, name="API", scopes=known, client_id=client_id))


class Browser(TestClient):
    """A browser: keeps cookies, follows nothing by itself, and finds its way through the hosted pages."""

    def __init__(self, house: House, **options: Any) -> None:
        super().__init__(
            house.app,
            base_url=house.server.settings.issuer,
            follow_redirects=False,
            raise_server_exceptions=True,
            **options,
        )
        self.house = house

    def authorize(self, client_id: str = "web", method: str = "GET", **more: Any) -> httpx2.Response:
        """Send an authorization request; a parameter given as None is left out."""
        params = {
            "client_id": client_id,
            "redirect_uri": "https://rp.example/cb",
            "response_type": "code",
            "scope": "openid",
            "state": "st",
            "nonce": "n-0",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | more
        present = {name: value for name, value in params.items() if value is not None}
        if method == "POST":
            return self.post("/oauth2/authorize", data=present)
        return self.get("/oauth2/authorize", params=present)

    def follow(self, response: httpx2.Response) -> httpx2.Response:
        """Follow redirects as long as they stay on the provider."""
        while response.is_redirect and response.headers["location"].startswith(self.house.server.settings.issuer):
            response = self.get(response.headers["location"])
        return response

    def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Send the form of a page, with its hidden fields, and follow on the provider."""
        main = page.text.partition("<main")[2]
        action = re.search(r'<form method="post" action="([^"]+)"', main)
        assert action, page.text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', main))
        return self.follow(self.post(action.group(1), data=hidden | fields))

    def sign_in(
        self, page: httpx2.Response, username: str = "alice", password: str = PASSWORD, **more: str
    ) -> httpx2.Response:
        """Fill in and send the sign-in page."""
        assert 'id="login-submit"' in page.text, page.text
        return self.submit(page, username=username, password=password, action="sign_in", **more)

    def code_flow(self, client_id: str = "web", username: str = "alice", **more: Any) -> dict[str, str]:
        """Go all the way to the authorization response and return its parameters."""
        page = self.follow(self.authorize(client_id, **more))
        if 'id="login-submit"' in page.text:
            page = self.sign_in(page, username)
        if 'id="consent-allow"' in page.text:
            page = self.submit(page, action="allow")
        return response_params(page)

    def token(self, client_id: str = "web", secret: str | None = SECRET, **form: Any) -> httpx2.Response:
        """Send a token request by client_secret_basic, or as a public client without a secret."""
        present = {name: value for name, value in form.items() if value is not None}
        if secret is None:
            return self.post("/oauth2/token", data={"client_id": client_id} | present)
        return self.post("/oauth2/token", data=present, auth=(client_id, secret))

    def exchange(self, code: str, client_id: str = "web", **more: Any) -> httpx2.Response:
        """Redeem a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "https://rp.example/cb",
            "code_verifier": VERIFIER,
        }
        return self.token(client_id, **(form | more))

    def tokens(self, client_id: str = "web", **more: Any) -> dict[str, Any]:
        """Sign in and return the token response."""
        response = self.exchange(self.code_flow(client_id, **more)["code"], client_id)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def refresh(self, refresh_token: str, client_id: str = "web", **more: Any) -> httpx2.Response:
        """Redeem a refresh token."""
        return self.token(client_id, grant_type="refresh_token", refresh_token=refresh_token, **more)

    def userinfo(self, access_token: str) -> httpx2.Response:
        """Call UserInfo."""
        return self.get("/oauth2/userinfo", headers={"authorization": f"Bearer {access_token}"})

    def introspect(self, token: str, client_id: str = "web", secret: str = SECRET) -> dict[str, Any]:
        """Introspect a token."""
        found: dict[str, Any] = self.post("/oauth2/introspect", data={"token": token}, auth=(client_id, secret)).json()
        return found


def response_params(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters of an authorization response in a redirect's query."""
    assert response.is_redirect, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))


def claims_of(token: str) -> dict[str, Any]:
    """Return the payload of a JWT without verifying it."""
    import json

    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def make_house(storage: Storage, key_file: Any, **settings: Any) -> House:
    """Build a provider over a storage."""
    clock = SettableClock()
    cheap = {"memory_kib": 8, "iterations": 1}
    made = Settings.model_validate({"issuer": ISSUER, "key_encryption_key_file": key_file, "argon2": cheap} | settings)
    return House(build_provider(made, storage, clock), clock)
