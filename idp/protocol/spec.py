"""`Spec`: the whole list of ways in which a specification may influence the server.

A specification is one module in `idp.specs` ending in `SPEC = Spec(...)`. When it needs a way that is not here, add a
field with an ADR; do not smuggle it through another one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from idp.protocol.errors import ProtocolError
from idp.protocol.messages import Answer, Browser, Request
from idp.protocol.parameters import Parameter, Params
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Client, Grant, Session

if TYPE_CHECKING:
    from idp.protocol.authorization import AuthorizationRequest, Authorized, ResponseTarget
    from idp.protocol.context import Context, Server
    from idp.protocol.interaction import PromptState
    from idp.protocol.issuance import Issuance
    from idp.protocol.registry import Registry
    from idp.settings import Settings


class Phase(IntEnum):
    """The order in which an authorization request is checked. SOURCE finds where its parameters come from, once, when
    it arrives; what is stored of it are the parameters found. Only from REQUEST on is the redirect URI known good, so
    only then may a refusal be redirected (RFC 6749 §4.1.2.1)."""

    SOURCE = 1
    CLIENT = 2
    REDIRECT = 3
    REQUEST = 4
    POLICY = 5
    INTERACTION = 6


class Cors(Enum):
    """Which other origins' scripts may read an endpoint's answers (never with credentials)."""

    NONE = "none"
    CLIENTS = "clients"
    ANY = "any"


class ErrorStyle(Enum):
    """How an endpoint tells a refusal."""

    JSON = "json"
    BEARER = "bearer"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A route under the issuer. `metadata` is its member in discovery. `writes` chooses the unit of work; one that
    only reads never waits for a writer, and one with `reads_first` seldom writes. One with `at_once` has no unit of
    work, for it needs memory alone; that tells whether it can answer now. `at_root` puts the path before the issuer's
    path (RFC 8414 §3.1)."""

    path: str
    methods: tuple[str, ...]
    handle: "Callable[[Request, Context], Answer]"
    metadata: str | None = None
    writes: bool = True
    reads_first: bool = False
    errors: ErrorStyle = ErrorStyle.JSON
    cors: Cors = Cors.NONE
    at_once: "Callable[[Server], bool] | None" = None
    at_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Something the End-User must do before the response. `reason` tells why it is due now, or None; `refuse` makes
    the error for `prompt=none`; `path` is the page under the issuer. One that is not `is_offered` under the settings
    is a value of `prompt` that nobody knows."""

    name: str
    path: str
    reason: "Callable[[PromptState], str | None]"
    refuse: Callable[[str], ProtocolError]
    is_offered: "Callable[[Settings], bool]" = lambda _settings: True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseType:
    """A response type: what it adds to the authorization response, and the mode used unless another is asked for.
    `legacy` ones are for the profile `oidc_legacy` only. Names have their words in alphabetical order."""

    respond: "Callable[[Authorized, Context], Mapping[str, str]]"
    default_mode: str = "query"
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthentication:
    """A client authentication method. `presented` sees whether a request uses it, `verify` returns the client or
    raises `InvalidClient`."""

    presented: Callable[[Request, Params], bool]
    verify: "Callable[[Request, Params, Context], Client]"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantType:
    """A grant type: `redeem` turns what the request proves into an `Issuance`, or raises; it is None for
    one that has no token request. `legacy` as above."""

    redeem: "Callable[[Params, Client, Context], Issuance] | None"
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDraft:
    """The client metadata being checked, and the settings that it is checked under."""

    metadata: Mapping[str, Any]
    settings: "Settings"

    @property
    def is_native(self) -> bool:
        """Whether the client is a native application (RFC 8252)."""
        return self.metadata.get("application_type") == "native"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMember:
    """A member of client metadata (RFC 7591 §2): `check` returns the value to store or raises; `default` is what an
    absent one means, unless None: a value, or a function of the metadata sent."""

    check: Callable[[Any, ClientDraft], Any]
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A scope of the issuer itself: what it lets a client do, in words for the consent page. `in_access_tokens` ones
    go with every resource; the others belong to UserInfo alone."""

    title: str
    detail: str = ""
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AcrWish:
    """Which classes of authentication a request asks for: any of them will do. Where it is `essential` the request
    fails without (OIDC Core §5.5.1.1)."""

    values: tuple[str, ...]
    essential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """About whom, to whom and within which scopes UserInfo speaks."""

    account: Account
    client: Client
    grant: Grant
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An authorization response about to leave: to which client, where, and in which browser, as it will be when the
    response has arrived. `granted` tells it from a refusal."""

    client: Client
    target: "ResponseTarget"
    browser: Browser
    granted: bool


AuthorizationCheck = Callable[["AuthorizationRequest", "Context"], "AuthorizationRequest | None"]
TokenCheck = Callable[["Issuance", Params, "Context"], "Issuance"]
ResponseMode = Callable[["ResponseTarget", Mapping[str, str]], Answer]
ClaimsOf = Callable[["Issuance"], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One specification. Every field adds to what the provider does; none takes away.

    `registration_checks` look at checked metadata as a whole when a client registers over HTTP; they may need documents
    of others and raise `InvalidClientMetadata`."""

    name: str
    document: str
    status: str = "final"
    requires: tuple[str, ...] = ()
    parameters: tuple[Parameter[Any], ...] = ()
    token_parameters: tuple[Parameter[Any], ...] = ()
    authorization_checks: tuple[tuple[Phase, AuthorizationCheck], ...] = ()
    prompts: tuple[Prompt, ...] = ()
    acr_wishes: "tuple[Callable[[Params, Client], AcrWish | None], ...]" = ()
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    response_types: Mapping[str, ResponseType] = field(default_factory=dict)
    response_modes: Mapping[str, ResponseMode] = field(default_factory=dict)
    response_parameters: "tuple[Callable[[Delivery, Settings], Mapping[str, str]], ...]" = ()
    client_authentication: Mapping[str, ClientAuthentication] = field(default_factory=dict)
    grant_types: Mapping[str, GrantType] = field(default_factory=dict)
    token_checks: tuple[TokenCheck, ...] = ()
    token_response: "tuple[Callable[[Issuance, Context], Mapping[str, Any]], ...]" = ()
    id_token_claims: tuple[ClaimsOf, ...] = ()
    access_token_claims: tuple[ClaimsOf, ...] = ()
    userinfo_claims: tuple[Callable[[Disclosure], Mapping[str, Any]], ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    client_metadata: Mapping[str, ClientMember] = field(default_factory=dict)
    registration_checks: "tuple[Callable[[Mapping[str, Any], Context], None], ...]" = ()
    server_metadata: "Callable[[Registry, Settings], Mapping[str, Any]] | None" = None
    sign_out_frames: "tuple[Callable[[UnitOfWork, Session, Settings], tuple[str, ...]], ...]" = ()
    on_session_ended: tuple[Callable[[UnitOfWork, Session, int], None], ...] = ()
    on_access_withdrawn: tuple[Callable[[UnitOfWork, Session, str, int], None], ...] = ()
