"""What a measurement consumes: codes, refresh tokens, access tokens, sign-in forms.

Codes and refresh tokens are written into the database in the shape in which the provider writes them, with a session
and, for tokens, a grant each. All else is got over HTTP, as a client or a browser gets it.
"""

import base64
import hashlib
import random
import re
import time
from dataclasses import replace
from urllib.parse import urlencode

from bench.answers import body, cookies, location_path, parsed
from bench.client import request, send_all
from bench.provider import PASSWORD, REDIRECT_URI, SECRET, Account, Place
from idp.authentication.policy import acr_of
from idp.randomness import digest, new_handle, new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Artifact, Grant, RefreshToken, Session

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = ("openid", "profile", "roles")
AMR = ("pwd",)


class Material:
    """Makes requests for one provider. The accounts of a batch are drawn at random, the same in each run."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lifetimes = place.settings.lifetimes
        self._host = f"127.0.0.1:{place.settings.port}"
        self._random = random.Random(1)

    def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """Return a GET."""
        return request("GET", path, self._host, headers=headers)

    def exchanges(self, alg: str, count: int) -> list[bytes]:
        """Return token requests with codes of the client that has its ID Tokens signed so."""
        now = int(time.time())
        with self._place.storage.begin() as uow:
            codes = [self._add_code(uow, alg, now) for _ in range(count)]
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        return [self._token_request(alg, form | {"code": code}) for code in codes]

    def refreshes(self, alg: str, count: int) -> list[bytes]:
        """Return token requests with refresh tokens."""
        now = int(time.time())
        with self._place.storage.begin() as uow:
            tokens = [self._add_refresh_token(uow, alg, now) for _ in range(count)]
        return [self._token_request(alg, {"grant_type": "refresh_token", "refresh_token": token}) for token in tokens]

    def client_credentials(self, alg: str, count: int) -> list[bytes]:
        """Return token requests of a client for itself."""
        return [self._token_request(alg, {"grant_type": "client_credentials"})] * count

    def user_infos(self, count: int) -> list[bytes]:
        """Return UserInfo requests with access tokens of several accounts."""
        made = [self.get("/oauth2/userinfo", {"authorization": f"Bearer {token}"}) for token in self._access_tokens()]
        return [made[number % len(made)] for number in range(count)]

    def introspections(self, count: int) -> list[bytes]:
        """Return introspection requests for access tokens of several accounts."""
        made = [self._post("/oauth2/introspect", {"token": token}, _basic("RS256")) for token in self._access_tokens()]
        return [made[number % len(made)] for number in range(count)]

    def sign_ins(self, count: int) -> list[bytes]:
        """Return filled-in forms of the sign-in page, each of an interaction and a browser of its own."""
        port = self._place.settings.port
        begun = send_all(port, [self.get(_authorization_request())] * count).answers
        browsers = [cookies(answer) for answer in begun]
        pages = send_all(
            port,
            [self.get(location_path(a), {"cookie": c}) for a, c in zip(begun, browsers, strict=True)],
        ).answers
        return [self._sign_in(body(page).decode(), cookie) for page, cookie in zip(pages, browsers, strict=True)]

    def _sign_in(self, page: str, cookie: str) -> bytes:
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        form = hidden | {"username": self._someone().username, "password": PASSWORD, "action": "sign_in"}
        return self._post("/login", form, {"cookie": cookie})

    def _access_tokens(self) -> list[str]:
        answers = send_all(self._place.settings.port, self.exchanges("RS256", 64)).answers
        return [parsed(answer)["access_token"] for answer in answers]

    def _token_request(self, alg: str, form: dict[str, str]) -> bytes:
        return self._post("/oauth2/token", form, _basic(alg))

    def _post(self, path: str, form: dict[str, str], headers: dict[str, str]) -> bytes:
        return request("POST", path, self._host, headers=headers, body=urlencode(form).encode())

    def _someone(self) -> Account:
        return self._random.choice(self._place.accounts)

    def _add_code(self, uow: UnitOfWork, alg: str, now: int) -> str:
        code = new_handle()
        uow.artifacts.add(replace(self.code_of(self._add_session(uow, now), alg, now), handle_hash=digest(code)))
        return code

    def code_of(self, session: Session, alg: str, now: int) -> Artifact:
        """Return a code of nobody's knowing, as an authorization in the session makes it."""
        payload = {
            "client_id": alg,
            "account_id": session.account_id,
            "session_id": session.session_id,
            "redirect_uri": REDIRECT_URI,
            "scopes": list(SCOPES),
            "resources": [],
            "authenticated_at": session.authenticated_at,
            "acr": session.acr,
            "amr": list(session.amr),
            "carried": {"code_challenge": [CHALLENGE], "code_challenge_method": ["S256"]},
        }
        return Artifact(
            kind="authorization_code",
            handle_hash="",
            grant_id=new_identifier(),
            payload=payload,
            created_at=now,
            expires_at=now + self._lifetimes.code_seconds,
        )

    def _add_refresh_token(self, uow: UnitOfWork, alg: str, now: int) -> str:
        token, session = new_handle(), self._add_session(uow, now)
        grant = grant_of(session, alg, now, now + self._lifetimes.grant_seconds)
        uow.grants.add(grant)
        uow.refresh_tokens.add(
            RefreshToken(
                token_hash=digest(token),
                grant_id=grant.grant_id,
                created_at=now,
                expires_at=now + self._lifetimes.refresh_token_seconds,
            )
        )
        return token

    def _add_session(self, uow: UnitOfWork, now: int) -> Session:
        session = session_of(self._someone().account_id, now, now + self._lifetimes.session_seconds)
        uow.sessions.add(session)
        return session


def session_of(account_id: str, now: int, expires_at: int) -> Session:
    """Return a session as a sign-in by password makes it."""
    return Session(
        session_id=new_identifier(),
        handle_hash=digest(new_handle()),
        account_id=account_id,
        browser_hash=digest(new_handle()),
        authenticated_at=now,
        acr=acr_of(AMR),
        amr=AMR,
        remembered=False,
        created_at=now,
        last_seen_at=now,
        expires_at=expires_at,
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        address="192.0.2.7",
    )


def grant_of(session: Session, alg: str, now: int, expires_at: int) -> Grant:
    """Return a grant as a code exchange in the session makes it."""
    return Grant(
        grant_id=new_identifier(),
        client_id=alg,
        account_id=session.account_id,
        session_id=session.session_id,
        scopes=SCOPES,
        resources=(),
        authenticated_at=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        offline=False,
        created_at=now,
        expires_at=expires_at,
    )


def _basic(alg: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{alg}:{SECRET}".encode()).decode()}


def _authorization_request() -> str:
    parameters = {
        "client_id": "RS256",
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return "/oauth2/authorize?" + urlencode(parameters)
