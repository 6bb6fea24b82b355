"""Settings of one relying party, as values and what follows from them. `command_line` reads and checks them."""

from dataclasses import dataclass, field
from pathlib import Path

from demo_clients.relying_party.code_flow import ClientRegistration

DEMO_ISSUER = "http://idp.localhost:9000"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyDefaults:
    """What an application is, apart from where it runs: fixed in its own package.

    `api_path` and `api_scope` are the application's own API; `peer_*` are the API that it calls elsewhere. `own_scopes`
    are scopes of the own API that no one else asks for.
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
    own_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One running relying party. The secret is not part of the representation.

    The own URL and the peer's have no trailing slash; the issuer is as the provider writes it. `ca_file` names whom
    to trust beside the system's authorities; with the two TLS files the application serves https by itself. With
    `sign_in_only` it asks for the End-User's claims and for no API: other providers know nothing of these two.
    `allow_older_provider` forgoes what the standards only recommend to providers: announcing PKCE, naming themselves
    in authorization responses, and the `typ` of logout tokens. What the provider does say is checked all the same.
    """

    issuer: str
    host: str
    port: int
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    peer_url: str
    defaults: PartyDefaults
    ca_file: Path | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    sign_in_only: bool = False
    allow_older_provider: bool = False

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
        """What is asked for at sign-in: the End-User's claims and, unless `sign_in_only`, both APIs."""
        if self.sign_in_only:
            return "openid profile email"
        scopes = {self.defaults.api_scope, self.defaults.peer_api_scope, *self.defaults.own_scopes}
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
            resources=() if self.sign_in_only else (self.resource, self.peer_resource),
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
