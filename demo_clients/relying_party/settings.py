"""Settings of one relying party, from the command line, checked wholly before anything starts.

The client secret comes from a file, never from an argument: arguments are visible to every user of the machine.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from demo_clients.relying_party.code_flow import ClientRegistration

DEMO_ISSUER = "http://idp.localhost:9000"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyDefaults:
    """What an application is, apart from where it runs: fixed in its own package.

    `api_path` and `api_scope` are the application's own API; `peer_*` are the API that it calls elsewhere.
    """

    name: str
    client_id: str
    token_endpoint_auth_method: str
    port: int
    base_url: str
    peer_url: str
    peer_name: str
    api_path: str
    api_scope: str
    peer_api_path: str
    peer_api_scope: str
    pages: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One running relying party. URLs have no trailing slash. The secret is not part of the representation."""

    issuer: str
    host: str
    port: int
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    peer_url: str
    defaults: PartyDefaults

    @property
    def redirect_uri(self) -> str:
        """Where the authorization response comes to, as registered at the provider."""
        return f"{self.base_url}/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        """Where the provider sends the browser after a sign-out, as registered."""
        return f"{self.base_url}/"

    @property
    def resource(self) -> str:
        """Resource indicator of the own API (RFC 8707 §2)."""
        return f"{self.base_url}/api"

    @property
    def peer_resource(self) -> str:
        """Resource indicator of the API that is called elsewhere."""
        return f"{self.peer_url}/api"

    @property
    def scope(self) -> str:
        """What is asked for at sign-in: the End-User's claims and both APIs."""
        scopes = {self.defaults.api_scope, self.defaults.peer_api_scope}
        return " ".join(("openid", "profile", "email", "roles", *sorted(scopes)))

    @property
    def registration(self) -> ClientRegistration:
        """This client as the provider knows it."""
        return ClientRegistration(
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=self.client_secret,
            token_endpoint_auth_method=self.defaults.token_endpoint_auth_method,
            redirect_uri=self.redirect_uri,
            scope=self.scope,
            resources=(self.resource, self.peer_resource),
        )

    @property
    def uses_https(self) -> bool:
        """Whether browsers reach the application over https; decides about `Secure` and `__Host-` cookies."""
        return self.base_url.startswith("https://")

    @property
    def cookie_name(self) -> str:
        """Name of the session cookie. The prefix makes browsers refuse one set by a neighbour host (RFC 6265bis)."""
        name = f"{self.defaults.name.lower()}_session"
        return f"__Host-{name}" if self.uses_https else name


class SettingsRefused(ValueError):
    """One or more settings cannot be used. The message names each and its remedy."""


def parse_settings(defaults: PartyDefaults, arguments: Sequence[str] | None = None) -> Settings:
    """Read the command line. Raises SettingsRefused; exits with 2 as argparse does on unknown options."""
    given = _parser(defaults).parse_args(arguments)
    faults: list[str] = []
    secret = _read_secret(given.client_secret_file, faults)
    default_base = defaults.base_url.replace(f":{defaults.port}", f":{given.port}")
    settings = Settings(
        issuer=_checked_url("--issuer", given.issuer, faults),
        host=given.host,
        port=given.port,
        base_url=_checked_url("--base-url", given.base_url or default_base, faults),
        client_id=given.client_id,
        client_secret=secret,
        peer_url=_checked_url("--peer-url", given.peer_url, faults),
        defaults=defaults,
    )
    if faults:
        raise SettingsRefused("\n".join(faults))
    return settings


def _parser(defaults: PartyDefaults) -> argparse.ArgumentParser:
    lower = defaults.name.lower()
    parser = argparse.ArgumentParser(
        prog=f"python -m demo_clients.{lower}",
        description=f"The {defaults.name}: a demo relying party with an API of its own.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--issuer", default=DEMO_ISSUER, help="issuer of the provider to trust")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=defaults.port, help="port to listen on")
    parser.add_argument("--base-url", help=f"URL browsers use (default: {defaults.base_url}, with the port)")
    parser.add_argument("--client-id", default=defaults.client_id, help="client_id at the provider")
    parser.add_argument(
        "--client-secret-file",
        type=Path,
        default=Path(".signet") / f"{lower}.secret",
        help="file with the client secret",
    )
    parser.add_argument("--peer-url", default=defaults.peer_url, help=f"URL of the {defaults.peer_name}")
    return parser


def _checked_url(option: str, url: str, faults: list[str]) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or url.endswith("/") or "?" in url or "#" in url or "@" in url:
        faults.append(f"{option}: {url!r} is no http(s) URL without query, fragment and trailing slash")
    return url


def _read_secret(path: Path, faults: list[str]) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(
            f"--client-secret-file: cannot read {path} ({error.__class__.__name__}); put the secret there that "
            "the provider showed when the client was added"
        )
        return ""
    if not secret:
        faults.append(f"--client-secret-file: {path} is empty")
    return secret
