"""The authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636, OIDC Core §3.1), requests built by Authlib.

Authlib's own storage of `state` is not used: it keeps one pending sign-in for a browser, so that a second tab would
break the first; nor is its check of the ID Token, for which see `id_token`. The endpoints come from our own
discovery, so that nothing is sent to a provider that was not checked.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth, OAuthError

from demo_clients.relying_party.discovery import Discovery, ProviderMetadata
from demo_clients.relying_party.errors import (
    ProviderMisbehaved,
    RelyingPartyError,
    SignInEnded,
    SignInRefused,
    TokenRequestRefused,
)
from demo_clients.relying_party.outbound import TIMEOUT_SECONDS, unavailable
from demo_clients.relying_party.step_up import StepUp
from demo_clients.relying_party.token_response import TokenResponse, parse_token_response

_START_AGAIN = "Please start again from the front page."


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistration:
    """The client as the provider knows it, and what it asks for.

    `resources` are the APIs a grant shall cover. Without any, no request has the parameter `resource` (RFC 8707).
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    token_endpoint_auth_method: str
    redirect_uri: str
    scope: str
    resources: tuple[str, ...]

    @property
    def userinfo_resource(self) -> str | None:
        """What to name when the token is to be for UserInfo; None when no resource is named at all."""
        return self.issuer if self.resources else None


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What the server remembers of one authorization request until its answer comes back to the same browser."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_path: str
    started_at: int
    url: str = field(repr=False)


class CodeFlow:
    """Requests to the authorization, token and revocation endpoints in the name of this client."""

    def __init__(
        self,
        client: ClientRegistration,
        discovery: Discovery,
        transport: httpx2.AsyncBaseTransport,
        now: Callable[[], int],
    ) -> None:
        self._registration = client
        self._discovery = discovery
        self._transport = transport
        self._now = now

    async def begin(
        self,
        return_path: str,
        *,
        prompt: str | None = None,
        login_hint: str | None = None,
        step_up: StepUp | None = None,
    ) -> PendingSignIn:
        """A new authorization request with its own state, nonce and verifier. Raises ProviderUnavailable."""
        client = self._registration
        provider = self._starlette_app(await self._discovery.metadata())
        request = await provider.create_authorization_url(
            client.redirect_uri,
            scope=client.scope,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            # The parameter is there once for each API the grant shall cover (RFC 8707 §2.1).
            resource=[client.issuer, *client.resources] if client.resources else None,
            prompt=prompt,
            login_hint=login_hint,
            **(step_up.request_parameters() if step_up else {}),
        )
        return PendingSignIn(
            state=request["state"],
            nonce=request["nonce"],
            code_verifier=request["code_verifier"],
            return_path=return_path,
            started_at=self._now(),
            url=request["url"],
        )

    async def redeem(self, code: str, code_verifier: str) -> TokenResponse:
        """Exchange a code; the access token is for UserInfo. Raises SignInRefused when the provider refuses."""
        provider = self._starlette_app(await self._discovery.metadata())
        resource = self._registration.userinfo_resource
        try:
            answer = await provider.fetch_access_token(
                redirect_uri=self._registration.redirect_uri,
                code=code,
                code_verifier=code_verifier,
                **({"resource": resource} if resource else {}),
            )
        except OAuthError as error:
            raise SignInRefused(
                "The sign-in service did not accept the code that came with the answer.",
                remedy=_START_AGAIN,
                detail=_described(error),
            ) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise _transport_fault(error) from error
        return parse_token_response(answer, asked_scope=self._registration.scope, now=self._now())

    async def refresh(self, refresh_token: str, resource: str) -> TokenResponse:
        """An access token for `resource` (RFC 6749 §6, RFC 8707 §2.2). Raises SignInEnded, TokenRequestRefused."""
        metadata = await self._discovery.metadata()
        try:
            async with self._client() as client:
                answer = await client.refresh_token(
                    metadata.token_endpoint, refresh_token=refresh_token, resource=resource
                )
        except OAuthError as error:
            raise _refresh_refused(error) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise _transport_fault(error) from error
        return parse_token_response(answer, asked_scope=self._registration.scope, now=self._now())

    async def revoke(self, refresh_token: str) -> None:
        """Tell the provider that the refresh token is done with (RFC 7009 §2). Raises ProviderUnavailable."""
        metadata = await self._discovery.metadata()
        if metadata.revocation_endpoint is None:
            return
        try:
            async with self._client() as client:
                await client.revoke_token(
                    metadata.revocation_endpoint,
                    token=refresh_token,
                    token_type_hint="refresh_token",  # noqa: S106 - the name of a kind of token
                )
        except httpx2.HTTPError as error:
            raise unavailable(error) from error

    def _starlette_app(self, metadata: ProviderMetadata) -> Any:
        return OAuth().register(
            "provider",
            client_id=self._registration.client_id,
            client_secret=self._registration.client_secret,
            authorize_url=metadata.authorization_endpoint,
            access_token_url=metadata.token_endpoint,
            client_kwargs={**self._client_options(), "code_challenge_method": "S256"},
        )

    def _client(self) -> Any:
        return AsyncOAuth2Client(
            self._registration.client_id, self._registration.client_secret, **self._client_options()
        )

    def _client_options(self) -> dict[str, Any]:
        method = self._registration.token_endpoint_auth_method
        return {
            "token_endpoint_auth_method": method,
            "revocation_endpoint_auth_method": method,
            "transport": self._transport,
            "trust_env": False,
            "timeout": TIMEOUT_SECONDS,
        }


def _described(error: OAuthError) -> str:
    return f"{error.error}: {error.description or 'no description'}"


def _refresh_refused(error: OAuthError) -> RelyingPartyError:
    if error.error == "invalid_grant":
        return SignInEnded(
            "The sign-in service no longer renews your tokens: the sign-in there has ended or was revoked.",
            remedy="Please sign in again.",
            detail=_described(error),
        )
    return TokenRequestRefused("The sign-in service gave no token for that API.", detail=_described(error))


def _transport_fault(error: Exception) -> RelyingPartyError:
    if isinstance(error, httpx2.HTTPError):
        return unavailable(error)
    return ProviderMisbehaved("The sign-in service gave an answer that is not JSON.", remedy=_START_AGAIN)
