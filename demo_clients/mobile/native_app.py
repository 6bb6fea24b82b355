"""The native application itself: sign in, have tokens, use them, give them back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx2
from starlette.datastructures import QueryParams

from demo_clients.mobile.loopback import LoopbackReceiver
from demo_clients.mobile.token_file import KeptSignIn, KeptToken, TokenFile
from demo_clients.relying_party.authorization_response import (
    check_not_repeated,
    check_response_issuer,
    declined,
)
from demo_clients.relying_party.checks import Verdict
from demo_clients.relying_party.code_flow import ClientRegistration, CodeFlow, PendingSignIn
from demo_clients.relying_party.discovery import Discovery
from demo_clients.relying_party.errors import RelyingPartyError, SignInEnded, SignInNeeded, SignInRefused
from demo_clients.relying_party.id_token import ExpectedIdToken, verify_id_token
from demo_clients.relying_party.jwks import KeyCache
from demo_clients.relying_party.token_response import TokenResponse
from demo_clients.relying_party.userinfo import fetch_userinfo

SCOPE = "openid profile email roles offline_access accounts.read orders.read"
RENEW_BEFORE_SECONDS = 10

Say = Callable[[str], None]
"""Tells the person at the terminal one line."""


@dataclass(frozen=True, slots=True)
class NativeSettings:
    """Where everything is. `apis` gives the address of an API by the name of its owner."""

    issuer: str
    client_id: str
    shop_url: str
    bank_url: str
    sign_in_seconds: int

    @property
    def apis(self) -> dict[str, tuple[str, str]]:
        """Resource indicator and address of each API."""
        return {
            "shop": (f"{self.shop_url}/api", f"{self.shop_url}/api/orders"),
            "bank": (f"{self.bank_url}/api", f"{self.bank_url}/api/accounts"),
        }


class NativeApp:
    """One run of the program. `open_browser` is given the authorization URL."""

    def __init__(
        self,
        settings: NativeSettings,
        tokens: TokenFile,
        transport: httpx2.AsyncBaseTransport,
        client: httpx2.AsyncClient,
        *,
        say: Say,
        now: Callable[[], int],
    ) -> None:
        self.settings = settings
        self._tokens = tokens
        self._transport = transport
        self._client = client
        self._say = say
        self.now = now
        self._discovery = Discovery(settings.issuer, client, now)
        self._keys = KeyCache(self._discovery.key_document, now)

    async def sign_in(self, open_browser: Callable[[str], None]) -> KeptSignIn:
        """Sign in through the browser and keep the tokens. Raises RelyingPartyError."""
        async with LoopbackReceiver() as receiver:
            flow = self._flow(receiver.redirect_uri)
            # offline_access needs the person's leave, given on purpose (OIDC Core §11).
            pending = await flow.begin("/", prompt="consent")
            receiver.state = pending.state
            open_browser(pending.url)
            query = await self._wait(receiver)
            try:
                kept = await self._finish(flow, pending, query)
            except RelyingPartyError as refusal:
                await receiver.show("Not signed in", refusal.reason)
                raise
            await receiver.show("You are signed in", "You can close this window and go back to the terminal.")
        with self._tokens.locked():
            self._tokens.save(kept)
        return kept

    async def call(self, resource: str, url: str) -> httpx2.Response:
        """GET an API; a token that it calls invalid is renewed, and the call made once more."""
        response = await self._get(url, await self.access_token(resource))
        if response.status_code == 401:
            self._say("The API refused the token; asking for a new one.")
            response = await self._get(url, await self.access_token(resource, renew=True))
        return response

    async def userinfo(self) -> dict[str, object]:
        """The claims of the UserInfo endpoint, about the person of the ID Token."""
        kept = self.kept()
        token = await self.access_token(self.settings.issuer)
        return dict(await fetch_userinfo(self._client, self._discovery, token, subject=kept.subject))

    async def access_token(self, resource: str, *, renew: bool = False) -> str:
        """A valid access token for the resource, from the file or by the refresh token. Says so when it renews."""
        with self._tokens.locked():
            kept = self.kept()
            token = kept.access_tokens.get(resource)
            if token is not None and not renew and self.now() < token.expires_at - RENEW_BEFORE_SECONDS:
                return token.value
            if token is not None and self.now() >= token.expires_at - RENEW_BEFORE_SECONDS:
                self._say("The access token has expired; renewing it with the refresh token.")
            return await self._refresh(kept, resource)

    async def sign_out(self) -> bool:
        """Revoke the refresh token and forget everything; False if there was nothing.

        What is kept here goes even if the provider is away; ProviderUnavailable says that nothing was revoked.
        """
        if self._tokens.load() is None:
            return False
        with self._tokens.locked():
            kept = self._tokens.load()
            self._tokens.delete()
        if kept is not None and kept.refresh_token is not None:
            await self._flow("").revoke(kept.refresh_token)
        return True

    def kept(self) -> KeptSignIn:
        """What the file holds. Raises SignInNeeded, TokenFileRefused."""
        kept = self._tokens.load()
        if kept is None or (kept.issuer, kept.client_id) != (self.settings.issuer, self.settings.client_id):
            raise SignInNeeded("Nobody is signed in.", remedy="Run: python -m demo_clients.mobile login")
        return kept

    async def _wait(self, receiver: LoopbackReceiver) -> QueryParams:
        try:
            async with asyncio.timeout(self.settings.sign_in_seconds):
                return await receiver.answer()
        except TimeoutError as error:
            raise SignInRefused("No answer came from the browser in time.") from error

    async def _finish(self, flow: CodeFlow, pending: PendingSignIn, query: QueryParams) -> KeptSignIn:
        check_not_repeated(query)
        check_response_issuer(self.settings.issuer, query)
        if "error" in query:
            raise declined(query)
        if not query.get("code"):
            raise SignInRefused("The answer has neither a code nor an error.")
        response = await flow.redeem(query["code"], pending.code_verifier)
        verdict = await self._verify(response, nonce=pending.nonce, subject=None)
        claims = await fetch_userinfo(
            self._client, self._discovery, response.access_token, subject=verdict.claims["sub"]
        )
        auth_time, name = verdict.claims.get("auth_time"), claims.get("name")
        return KeptSignIn(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            subject=verdict.claims["sub"],
            name=name if isinstance(name, str) else verdict.claims["sub"],
            auth_time=auth_time if isinstance(auth_time, int) else None,
            id_token=response.id_token or "",
            refresh_token=response.refresh_token,
            access_tokens={self.settings.issuer: _kept_token(response)},
        )

    async def _verify(self, response: TokenResponse, *, nonce: str | None, subject: str | None) -> Verdict:
        if response.id_token is None:
            raise SignInRefused("The sign-in service sent no ID Token.")
        expected = ExpectedIdToken(
            self.settings.issuer, self.settings.client_id, nonce, response.access_token, subject=subject
        )
        verdict = await verify_id_token(response.id_token, expected=expected, keys=self._keys, now=self.now())
        if verdict.refusal is not None:
            reason = f"{verdict.refusal.name}: {verdict.refusal.reason}"
            raise SignInRefused("The ID Token did not pass its checks.", detail=reason)
        return verdict

    async def _refresh(self, kept: KeptSignIn, resource: str) -> str:
        if kept.refresh_token is None:
            raise SignInEnded("There is no refresh token.", remedy="Run: python -m demo_clients.mobile login")
        response = await self._flow("").refresh(kept.refresh_token, resource)
        if response.id_token is not None:
            await self._verify(response, nonce=None, subject=kept.subject)
        tokens = {**kept.access_tokens, resource: _kept_token(response)}
        # Saved before it is used: the old refresh token is spent, and losing the new one would end the sign-in.
        self._tokens.save(
            replace(kept, refresh_token=response.refresh_token or kept.refresh_token, access_tokens=tokens)
        )
        return response.access_token

    async def _get(self, url: str, access_token: str) -> httpx2.Response:
        return await self._client.get(url, headers={"Authorization": f"Bearer {access_token}"})

    def _flow(self, redirect_uri: str) -> CodeFlow:
        registration = ClientRegistration(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            client_secret=None,
            token_endpoint_auth_method="none",  # noqa: S106 - the name of a method
            redirect_uri=redirect_uri,
            scope=SCOPE,
            resources=tuple(resource for resource, _ in self.settings.apis.values()),
        )
        return CodeFlow(registration, self._discovery, self._transport, self.now)


def _kept_token(response: TokenResponse) -> KeptToken:
    return KeptToken(response.access_token, response.scope, response.expires_at)
