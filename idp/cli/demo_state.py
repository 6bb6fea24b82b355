"""What the demo needs in its database: two resources, three clients, one account. Made once, kept between starts."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.accounts.accounts import create_account, find_account
from idp.accounts.clients import create_client
from idp.authentication.methods.password import Passwords
from idp.cli.opening import Program
from idp.cli.serve import DEVELOPMENT
from idp.randomness import new_handle
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Resource


@dataclass(frozen=True, slots=True)
class Address:
    """Where one of the three lives."""

    url: str
    port: int


def addresses(first_port: int) -> dict[str, Address]:
    """Return where the three live: three host names, so three origins and three sets of cookies."""
    names = ("idp", "shop", "bank")
    return {name: Address(f"http://{name}.localhost:{port}", port) for port, name in enumerate(names, first_port)}


USERNAME = "demo"
CLAIMS: dict[str, Any] = {
    "name": "Dana Demo",
    "family_name": "Demo",
    "given_name": "Dana",
    "middle_name": "M",
    "nickname": "Dee",
    "profile": "https://example.com/dana",
    "picture": "https://example.com/dana.png",
    "website": "https://example.com",
    "gender": "female",
    "birthdate": "1990-01-31",
    "zoneinfo": "Europe/Berlin",
    "locale": "en-GB",
    "email_verified": True,
    "phone_number": "+1 555 0100",
    "phone_number_verified": True,
    "address": {"street_address": "1 Sample Street", "locality": "Sampleton", "country": "Exampleland"},
}
SCOPE = "openid profile email address phone offline_access roles accounts.read orders.read"


@dataclass(frozen=True, slots=True)
class DemoState:
    """What the relying parties and the person need to know."""

    addresses: dict[str, Address]
    username: str
    password: str
    secret_files: dict[str, Path]


def write_config(home: Path, provider: Address) -> Path:
    """Write the demo's settings beside its database, so that other commands can be pointed at it; return the file."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = DEVELOPMENT | {
        "home": str(home),
        "key_encryption_key_file": str(home / "key-encryption.key"),
        "issuer": provider.url,
        "port": provider.port,
        "log_level": "warning",
    }
    file = home / "idp.toml"
    # TOML spells texts, numbers and truths of this kind as JSON does.
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), "utf-8")
    return file


def prepare(program: Program, home: Path, where: dict[str, Address]) -> DemoState:
    """Make what is missing, and return what was made now or before."""
    password = _kept(home / "demo-password.txt", lambda: new_handle()[:16])
    hashed = Passwords(program.settings.argon2).hash(password)
    secret_files = {name: home / f"{name}-client-secret.txt" for name in ("shop", "bank")}
    secrets = {name: _kept(file, new_handle) for name, file in secret_files.items()}
    with program.writing() as uow:
        if find_account(uow, USERNAME) is None:
            create_account(
                uow,
                username=USERNAME,
                email="dana@example.com",
                claims=CLAIMS,
                roles=("customer",),
                password_hash=hashed,
                now=program.now,
            )
        _register_resources(uow, where)
        _register_clients(program, uow, where, secrets)
    return DemoState(addresses=where, username=USERNAME, password=password, secret_files=secret_files)


def _register_resources(uow: UnitOfWork, where: dict[str, Address]) -> None:
    shop, bank = where["shop"].url, where["bank"].url
    orders, accounts = {"orders.read": "See your orders"}, {"accounts.read": "See your accounts and balances"}
    uow.resources.put(Resource(identifier=f"{shop}/api", name="Shop", scopes=orders, client_id="shop"))
    uow.resources.put(Resource(identifier=f"{bank}/api", name="Bank", scopes=accounts, client_id="bank"))


def _register_clients(program: Program, uow: UnitOfWork, where: dict[str, Address], secrets: dict[str, str]) -> None:
    for name, auth in (("shop", "client_secret_basic"), ("bank", "client_secret_post")):
        url = where[name].url
        metadata = {
            "client_name": name.title(),
            "client_uri": f"{url}/",
            "redirect_uris": [f"{url}/callback"],
            "post_logout_redirect_uris": [f"{url}/"],
            "backchannel_logout_uri": f"{url}/backchannel-logout",
            "token_endpoint_auth_method": auth,
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": SCOPE,
        }
        _register(program, uow, name, metadata, first_party=True, secret=secrets[name])
    native = {
        "client_name": "Mobile app",
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": SCOPE,
    }
    _register(program, uow, "mobile", native)


def _register(program: Program, uow: UnitOfWork, client_id: str, metadata: dict[str, Any], **more: Any) -> None:
    if uow.clients.find(client_id) is None:
        checked = program.registry.check_client_metadata(metadata, program.settings)
        create_client(uow, client_id=client_id, metadata=checked, now=program.now, **more)


def _kept(file: Path, make: Callable[[], str]) -> str:
    """Return the secret in a 0600 file, made now if it is missing."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(make() + "\n")
    return file.read_text("utf-8").strip()
