"""The registry: checks the specifications against each other at start, orders them, and serves what they bring."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.parameters import Parameter
from idp.protocol.spec import (
    AuthorizationCheck,
    ClientAuthentication,
    ClientDraft,
    ClientMember,
    Endpoint,
    GrantType,
    Phase,
    ResponseMode,
    ResponseType,
    Scope,
    Spec,
)
from idp.settings import Settings


class Conflict(Exception):
    """Two specifications bring the same thing, or one needs another that is not registered."""


class Registry:
    """All that the given specifications bring, merged. Raises `Conflict` naming both parties when they collide."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        self.specs = tuple(specs)
        self._check_names()
        self.parameters: Mapping[str, Parameter[Any]] = self._named(lambda s: {p.name: p for p in s.parameters})
        self.token_parameters: Mapping[str, Parameter[Any]] = self._named(
            lambda s: {p.name: p for p in s.token_parameters}
        )
        self.carried = tuple(p for p in self.parameters.values() if p.carried)
        self.scopes: Mapping[str, Scope] = self._named(lambda s: s.scopes)
        self.response_types: Mapping[str, ResponseType] = self._named(lambda s: s.response_types)
        self.response_modes: Mapping[str, ResponseMode] = self._named(lambda s: s.response_modes)
        self.client_authentication: Mapping[str, ClientAuthentication] = self._named(lambda s: s.client_authentication)
        self.grant_types: Mapping[str, GrantType] = self._named(lambda s: s.grant_types)
        self.client_metadata: Mapping[str, ClientMember] = self._named(lambda s: s.client_metadata)
        self.registration_checks = tuple(c for s in self.specs for c in s.registration_checks)
        self.endpoints: Mapping[str, Endpoint] = self._named(lambda s: {e.path: e for e in s.endpoints})
        self.prompts = tuple(p for s in self.specs for p in s.prompts)
        self.acr_wishes = tuple(w for s in self.specs for w in s.acr_wishes)
        self.response_parameters = tuple(p for s in self.specs for p in s.response_parameters)
        self.token_checks = tuple(c for s in self.specs for c in s.token_checks)
        self.token_response = tuple(c for s in self.specs for c in s.token_response)
        self.id_token_claims = tuple(c for s in self.specs for c in s.id_token_claims)
        self.access_token_claims = tuple(c for s in self.specs for c in s.access_token_claims)
        self.userinfo_claims = tuple(c for s in self.specs for c in s.userinfo_claims)
        self.sign_out_frames = tuple(c for s in self.specs for c in s.sign_out_frames)
        self.on_session_ended = tuple(c for s in self.specs for c in s.on_session_ended)
        self.on_access_withdrawn = tuple(c for s in self.specs for c in s.on_access_withdrawn)
        self.authorization_checks = self._ordered_checks()

    def _check_names(self) -> None:
        names = [spec.name for spec in self.specs]
        for spec in self.specs:
            if names.count(spec.name) > 1:
                raise Conflict(f"the specification {spec.name!r} is registered twice")
            for needed in spec.requires:
                if needed not in names:
                    raise Conflict(f"the specification {spec.name!r} requires {needed!r}, which is not registered")

    def _named(self, bring: Callable[[Spec], Mapping[str, Any]]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        owners: dict[str, str] = {}
        for spec in self.specs:
            for name, value in bring(spec).items():
                # Two specifications may bring the very same thing, such as the parameter `token`.
                if merged.get(name, value) is not value:
                    raise Conflict(f"{name!r} is brought by both {owners[name]!r} and {spec.name!r}")
                merged[name], owners[name] = value, owners.get(name, spec.name)
        return merged

    def _ordered_checks(self) -> tuple[tuple[Phase, AuthorizationCheck], ...]:
        checks = [pair for spec in self.specs for pair in spec.authorization_checks]
        return tuple(sorted(checks, key=lambda pair: pair[0]))

    def check_client_metadata(self, metadata: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
        """Return the metadata to store: every member checked, defaults filled in. Members that no specification
        knows are left out (RFC 7591 §2). Raises `InvalidClientMetadata` or `InvalidRedirectUri`."""
        draft = ClientDraft(metadata=metadata, settings=settings)
        stored: dict[str, Any] = {}
        for name, member in self.client_metadata.items():
            value = metadata.get(name)
            if value is None:
                value = member.default(metadata) if callable(member.default) else member.default
            if value is not None:
                stored[name] = member.check(value, draft)
        for name in ("response_types", "grant_types"):
            known = self.response_types if name == "response_types" else self.grant_types
            if unknown := [value for value in stored.get(name, ()) if value not in known]:
                raise InvalidClientMetadata(f"{name} has a value that is not supported.", detail=repr(unknown[:3]))
        if stored.get("token_endpoint_auth_method", "none") not in self.client_authentication:
            raise InvalidClientMetadata("token_endpoint_auth_method is not supported.")
        return stored

    def server_metadata(self, settings: Settings) -> dict[str, Any]:
        """Return the discovery document (OIDC Discovery §3, RFC 8414 §2): only what is registered is in it."""
        document: dict[str, Any] = {"issuer": settings.issuer}
        for endpoint in self.endpoints.values():
            if endpoint.metadata:
                document[endpoint.metadata] = settings.issuer + endpoint.path
        for spec in self.specs:
            if spec.server_metadata:
                document |= spec.server_metadata(self, settings)
        return document
