"""What the demo needs in its database: two resources, three clients, one account. What is there is kept, and brought in
line with the ports and secrets of this start."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.accounts import PASSWORD, create_account, find_account, set_password
from idp.accounts.audit import record
from idp.accounts.clients import create_client, secret_matches
from idp.accounts.sessions import Sessions
from idp.authentication.methods.password import Passwords
from idp.cli.demo.addresses import Address
from idp.cli.demo.home import DemoHome, read_secret
from idp.clock import SystemClock
from idp.protocol.registry import Registry
from idp.randomness import digest
from idp.settings import Settings
from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import Client, Resource

ROLES = ("customer",)
CLAIMS: Mapping[str, Any] = {
    "name": "Dana Demo",
    "given_name": "Dana",
    "middle_name": "Maria",
    "family_name": "Demo",
    "nickname": "Dee",
    "profile": "https://example.com/dana",
    "picture": "https://example.com/dana.png",
    "website": "https://example.com/",
    "gender": "female",
    "birthdate": "1990-01-31",
    "zoneinfo": "Europe/Berlin",
    "locale": "en-GB",
    "email_verified": True,
    "phone_number": "+1 555 0100",
    "phone_number_verified": True,
    "address": {"street_address": "1 Sample Street", "locality": "Sampleton", "country": "Exampleland"},
}
EMAIL = "dana@example.com"
SCOPE = "openid profile email address phone offline_access roles orders.read accounts.read transfers.write"
_API_SCOPES = {
    "shop": {"orders.read": "See your orders"},
    "bank": {"accounts.read": "See your accounts and balances", "transfers.write": "Move your money"},
}
_SECRET_METHODS = {"shop": "client_secret_basic", "bank": "client_secret_post"}
_GRANT_TYPES = ["authorization_code", "refresh_token"]


class Seed:
    """Puts the demo's things into a database."""

    def __init__(self, home: DemoHome, where: Mapping[str, Address], settings: Settings, registry: Registry) -> None:
        self._home, self._where, self._settings, self._registry = home, where, settings, registry

    def plant(self, storage: Storage) -> None:
        """Make what is missing and mend what differs. A second time it changes nothing."""
        now = SystemClock().now()
        self._plant_account(storage, now)
        with storage.begin() as uow:
            for name, scopes in _API_SCOPES.items():
                address = self._where[name]
                uow.resources.put(
                    Resource(identifier=f"{address.url}/api", name=address.title, scopes=scopes, client_id=name)
                )
            for name in _SECRET_METHODS:
                secret = read_secret(self._home.secret_file(name))
                self._plant_client(uow, name, self._web_metadata(name), now, secret=secret)
            self._plant_client(uow, "mobile", _native_metadata(), now, secret=None)

    def _plant_account(self, storage: Storage, now: int) -> None:
        passwords = Passwords(self._settings.argon2)
        with storage.snapshot() as uow:
            account = find_account(uow, self._home.username)
            credential = uow.accounts.find_credential(account.account_id, PASSWORD) if account else None
        if credential is not None and passwords.verify(credential.secret, self._home.password).ok:
            return
        hashed = passwords.hash(self._home.password)
        with storage.begin() as uow:
            if account is not None:
                set_password(
                    uow, Sessions(self._settings.lifetimes, self._registry.on_session_ended), account, hashed, now
                )
                record(uow, "account.password_changed", now=now, account_id=account.account_id)
                return
            made = create_account(
                uow,
                username=self._home.username,
                email=EMAIL,
                claims=CLAIMS,
                roles=ROLES,
                password_hash=hashed,
                now=now,
            )
            record(uow, "account.created", now=now, account_id=made.account_id)

    def _plant_client(
        self, uow: UnitOfWork, client_id: str, metadata: Mapping[str, Any], now: int, *, secret: str | None
    ) -> None:
        checked = self._registry.check_client_metadata(metadata, self._settings)
        found = uow.clients.find(client_id)
        if found is None:
            create_client(
                uow, client_id=client_id, metadata=checked, first_party=secret is not None, secret=secret, now=now
            )
            record(uow, "client.created", now=now, client_id=client_id)
        elif not _is_as_wanted(found, checked, secret, now):
            hashed = digest(secret) if secret else None
            uow.clients.replace(replace(found, metadata=checked, secret_hash=hashed, enabled=True, updated_at=now))

    def _web_metadata(self, name: str) -> Mapping[str, Any]:
        url = self._where[name].url
        return {
            "client_name": self._where[name].title,
            "client_uri": f"{url}/",
            "redirect_uris": [f"{url}/callback"],
            "post_logout_redirect_uris": [f"{url}/"],
            "backchannel_logout_uri": f"{url}/backchannel-logout",
            "initiate_login_uri": f"{url}/login/initiate",
            "token_endpoint_auth_method": _SECRET_METHODS[name],
            "grant_types": _GRANT_TYPES,
            "scope": SCOPE,
        }


def _native_metadata() -> Mapping[str, Any]:
    return {
        "client_name": "Mobile app",
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": _GRANT_TYPES,
        "scope": SCOPE,
    }


def _is_as_wanted(found: Client, metadata: Mapping[str, Any], secret: str | None, now: int) -> bool:
    # The store returns lists where the registry gives tuples.
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in metadata.items()}
    kept = {name: list(value) if isinstance(value, tuple) else value for name, value in found.metadata.items()}
    has_secret = found.secret_hash is None if secret is None else secret_matches(found, secret, now)
    return found.enabled and kept == plain and has_secret
