"""A small OpenID Provider for these tests, built from joserfc alone; it says yes to everybody who asks.

Its misdeeds are data: replaced metadata, claims, headers, whole tokens. `MISSING` as a value takes a member away.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ISSUER = "http://idp.localhost:9000"
SHOP = "http://shop.localhost:9001"
BANK = "http://bank.localhost:9002"
SUBJECT = "u-7f3a"
MISSING: Any = object()
EVENT = "http://schemas.openid.net/event/backchannel-logout"
API_SCOPES = ("orders.read", "accounts.read", "transfers.write")

Members = dict[str, Any]


def b64(octets: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def new_key(kid: str) -> RSAKey:
    """An RSA-2048 signing key."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def merged(members: Mapping[str, Any], changes: Mapping[str, Any]) -> Members:
    """Members with changes applied; MISSING removes."""
    return {name: value for name, value in {**members, **changes}.items() if value is not MISSING}


@dataclass
class Grant:
    """What one authorization request was granted."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    nonce: str | None
    code_challenge: str
    sid: str
    auth_time: int
    acr: str = "1"
    code_used: bool = False
    revoked: bool = False


@dataclass
class FakeProvider:
    """State and misdeeds. `now` is the clock of the test."""

    now: Callable[[], int]
    keys: list[RSAKey]
    issuer: str = ISSUER
    backchannel: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {
            "shop": ("client_secret_basic", "shop-secret"),
            "bank": ("client_secret_post", "bank-secret"),
            "mobile": ("none", ""),
        }
    )
    access_token_seconds: int = 300
    subject: str = SUBJECT
    roles: tuple[str, ...] = ("customer",)
    claims: Members = field(default_factory=lambda: {"name": "Robin Demo", "email": "robin@example.test"})
    sid: str = "s-1"
    strong_acr: str = "urn:signet:acr:mfa"
    metadata_changes: Members = field(default_factory=dict)
    jwk_changes: Members = field(default_factory=dict)
    id_token_changes: Members = field(default_factory=dict)
    id_token_header_changes: Members = field(default_factory=dict)
    id_token_forger: Callable[[str], str] | None = None
    userinfo_changes: Members = field(default_factory=dict)
    token_response_changes: Members = field(default_factory=dict)
    refresh_id_token_changes: Members | None = None
    broken: dict[str, Response] = field(default_factory=dict)
    requests: list[tuple[str, Members]] = field(default_factory=list)
    codes: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    spent_refresh_tokens: set[str] = field(default_factory=set)
    revoked_tokens: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    jwks_cache_control: str = "public, max-age=600"

    def asgi(self) -> Starlette:
        """The provider as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/.well-known/jwks.json", self._jwks),
                Route("/oauth2/authorize", self._authorize),
                Route("/oauth2/token", self._token, methods=["POST"]),
                Route("/oauth2/userinfo", self._userinfo),
                Route("/oauth2/revoke", self._revoke, methods=["POST"]),
                Route("/oauth2/logout", self._logout),
            ]
        )

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(1 for asked, _ in self.requests if asked == path)

    def sign(self, header: Members, claims: Members, key: RSAKey | None = None) -> str:
        """A signed JWT. Header values replace the usual ones; MISSING takes them away."""
        signing = key or self.keys[0]
        usual = {"alg": "RS256", "kid": signing.kid}
        parts = (json.dumps(merged(usual, header)), json.dumps(claims))
        signing_input = ".".join(b64(part.encode()) for part in parts)
        # By hand, because the library refuses to write the headers that an attacker writes.
        signature = JWSRegistry.algorithms["RS256"].sign(signing_input.encode(), signing)
        return f"{signing_input}.{b64(signature)}"

    def access_token(self, **changes: Any) -> str:
        """An access token for the Bank's API, unless changed. `typ`, `kid`, `alg` change the header, `key` the key."""
        key = changes.pop("key", None)
        header: Members = {name: changes.pop(name) for name in ("typ", "kid", "alg") if name in changes}
        usual = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": f"{BANK}/api",
            "exp": self.now() + self.access_token_seconds,
            "iat": self.now(),
            "jti": secrets.token_urlsafe(12),
            "client_id": "shop",
            "scope": "accounts.read",
            "roles": list(self.roles),
            "sid": self.sid,
        }
        return self.sign({"typ": "at+jwt", **header}, merged(usual, changes), key)

    def logout_token(self, **changes: Any) -> str:
        """A logout token for the Shop, unless changed."""
        key = changes.pop("key", None)
        header: Members = {name: changes.pop(name) for name in ("typ", "kid", "alg") if name in changes}
        usual = {
            "iss": self.issuer,
            "aud": "shop",
            "iat": self.now(),
            "exp": self.now() + 120,
            "jti": secrets.token_urlsafe(12),
            "events": {EVENT: {}},
            "sub": self.subject,
            "sid": self.sid,
        }
        return self.sign({"typ": "logout+jwt", **header}, merged(usual, changes), key)

    async def _metadata(self, request: Request) -> Response:
        usual = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/oauth2/authorize",
            "token_endpoint": f"{self.issuer}/oauth2/token",
            "userinfo_endpoint": f"{self.issuer}/oauth2/userinfo",
            "jwks_uri": f"{self.issuer}/.well-known/jwks.json",
            "end_session_endpoint": f"{self.issuer}/oauth2/logout",
            "revocation_endpoint": f"{self.issuer}/oauth2/revoke",
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return self._answer(request, {}) or JSONResponse(merged(usual, self.metadata_changes))

    async def _jwks(self, request: Request) -> Response:
        keys = [merged(key.as_dict(private=False), self.jwk_changes) for key in self.keys]
        return self._answer(request, {}) or JSONResponse(
            {"keys": keys}, headers={"Cache-Control": self.jwks_cache_control}
        )

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        self.requests.append((request.url.path, dict(query)))
        answer = {"code": self.issue_code(query.multi_items()), "state": query["state"], "iss": self.issuer}
        return Response(status_code=303, headers={"Location": f"{query['redirect_uri']}?{urlencode(answer)}"})

    def issue_code(self, query: list[tuple[str, str]]) -> str:
        """A code for an authorization request."""
        values = dict(query)
        code = secrets.token_urlsafe(24)
        self.codes[code] = Grant(
            client_id=values["client_id"],
            redirect_uri=values["redirect_uri"],
            scope=tuple(values["scope"].split()),
            resources=tuple(value for name, value in query if name == "resource"),
            nonce=values.get("nonce"),
            code_challenge=values["code_challenge"],
            sid=self.sid,
            auth_time=self.now(),
            acr=self.strong_acr if "acr_values" in values else "1",
        )
        return code

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        broken = self._answer(request, form)
        if broken is not None:
            return broken
        client_id = self._authenticated(request, form)
        if client_id is None:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if form["grant_type"] == "authorization_code":
            return self._redeem_code(form, client_id)
        return self._redeem_refresh_token(form, client_id)

    def _redeem_code(self, form: Members, client_id: str) -> Response:
        grant = self.codes.get(form["code"])
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        good = (
            grant is not None
            and grant.client_id == client_id
            and grant.redirect_uri == form.get("redirect_uri")
            and grant.code_challenge == challenge
        )
        if grant is None or not good:
            return JSONResponse({"error": "invalid_grant", "error_description": "wrong code"}, status_code=400)
        if grant.code_used:
            grant.revoked = True
            return JSONResponse({"error": "invalid_grant", "error_description": "spent code"}, status_code=400)
        grant.code_used = True
        return self._issue(grant, form.get("resource", self.issuer), with_id_token=True, id_token_changes={})

    def _redeem_refresh_token(self, form: Members, client_id: str) -> Response:
        token = form["refresh_token"]
        grant = self.refresh_tokens.get(token)
        if grant is None or grant.revoked or grant.client_id != client_id:
            return JSONResponse({"error": "invalid_grant", "error_description": "dead grant"}, status_code=400)
        if token in self.spent_refresh_tokens:
            grant.revoked = True
            return JSONResponse({"error": "invalid_grant", "error_description": "replay"}, status_code=400)
        if form.get("resource", self.issuer) not in (*grant.resources, self.issuer):
            return JSONResponse({"error": "invalid_target"}, status_code=400)
        self.spent_refresh_tokens.add(token)
        changes = self.refresh_id_token_changes
        return self._issue(
            grant,
            form.get("resource", self.issuer),
            with_id_token=changes is not None,
            id_token_changes={"nonce": MISSING, **(changes or {})},
        )

    def _issue(self, grant: Grant, resource: str, *, with_id_token: bool, id_token_changes: Members) -> Response:
        scope = self._scope_for(grant, resource)
        access_token = self.access_token(
            aud=resource,
            scope=" ".join(scope),
            client_id=grant.client_id,
            sid=grant.sid,
            acr=grant.acr,
            auth_time=grant.auth_time,
        )
        refresh_token = secrets.token_urlsafe(24)
        self.refresh_tokens[refresh_token] = grant
        self.issued += [access_token, refresh_token]
        answer: Members = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.access_token_seconds,
            "scope": " ".join(scope),
            "refresh_token": refresh_token,
        }
        if with_id_token:
            answer["id_token"] = self._id_token(grant, access_token, id_token_changes)
        return JSONResponse(merged(answer, self.token_response_changes), headers={"Cache-Control": "no-store"})

    def _scope_for(self, grant: Grant, resource: str) -> list[str]:
        if resource == self.issuer:
            wanted = set(grant.scope) - set(API_SCOPES)
        else:
            wanted = {"accounts.read", "transfers.write"} if "bank." in resource else {"orders.read"}
        return [one for one in grant.scope if one in wanted or one == "roles"]

    def _id_token(self, grant: Grant, access_token: str, changes: Members) -> str:
        usual = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": grant.client_id,
            "exp": self.now() + 300,
            "iat": self.now(),
            "auth_time": grant.auth_time,
            "nonce": grant.nonce,
            "at_hash": b64(hashlib.sha256(access_token.encode()).digest()[:16]),
            "sid": grant.sid,
            "acr": grant.acr,
            "amr": ["pwd"],
        }
        claims = merged(merged(usual, changes), self.id_token_changes)
        token = self.sign(self.id_token_header_changes, claims)
        return self.id_token_forger(token) if self.id_token_forger else token

    async def _userinfo(self, request: Request) -> Response:
        return self._answer(request, {}) or JSONResponse(
            merged({"sub": self.subject, **self.claims}, self.userinfo_changes)
        )

    async def _revoke(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.requests.append((request.url.path, form))
        self.revoked_tokens.append(form["token"])
        return Response()

    async def _logout(self, request: Request) -> Response:
        query = request.query_params
        self.requests.append((request.url.path, dict(query)))
        for client_id, url in self.backchannel.items():
            async with httpx2.AsyncClient(trust_env=False) as client:
                await client.post(url, data={"logout_token": self.logout_token(aud=client_id)})
        target = f"{query['post_logout_redirect_uri']}?{urlencode({'state': query['state']})}"
        return Response(status_code=303, headers={"Location": target})

    def _answer(self, request: Request, form: Members) -> Response | None:
        self.requests.append((request.url.path, form))
        return self.broken.get(request.url.path)

    def _authenticated(self, request: Request, form: Members) -> str | None:
        header = request.headers.get("authorization", "")
        if header.startswith("Basic "):
            client_id, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            method = "client_secret_basic"
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
            method = "client_secret_post" if secret else "none"
        return client_id if self.secrets.get(client_id) == (method, secret) else None
