"""One End-User's sign-in at a provider that runs elsewhere, over real HTTP, with what browser and client would send."""

import base64
import re
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from tests.provider import CHALLENGE, VERIFIER

REDIRECT_URI = "https://app.example.org/callback"
TIMEOUT_SECONDS = 30.0
# Another than the proxy's, so that the two can be told apart.
VISITORS_ADDRESS = "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the provider is reached: `origin` by the network, `issuer` as it calls itself."""

    origin: str
    issuer: str
    client_id: str
    secret: str
    username: str
    password: str
    trust: ssl.SSLContext | None = None


class Failed(Exception):
    """A step was not answered as it should be."""


class Visitor:
    """A browser with its cookies, and the client that it signs in to."""

    def __init__(self, target: Target, **headers: str) -> None:
        self._target = target
        self._host = urlsplit(target.issuer).netloc
        self._cookies: dict[str, str] = {}
        transport = httpx2.HTTPTransport(verify=target.trust or True, local_address=VISITORS_ADDRESS)
        self._http = httpx2.Client(
            base_url=target.origin, headers=headers, transport=transport, timeout=TIMEOUT_SECONDS
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request by the issuer's name, with the cookies that the provider has set; they are kept here, for a
        jar would not send secure ones to a plain origin."""
        headers = {"host": self._host} | more.pop("headers", {})
        if self._cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        sni = {"sni_hostname": self._host.partition(":")[0]}
        response = self._http.request(method, path, headers=headers, extensions=sni, **more)
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return response

    def authorize(self) -> dict[str, str]:
        """Go from the authorization request to its response, signing in where asked. Raises `Failed`."""
        query = {
            "client_id": self._target.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile offline_access",
            "state": "st",
            "nonce": "n-0",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        page = self._follow(self.send("GET", "/oauth2/authorize", params=query))
        if 'id="login-submit"' in page.text:
            page = self.submit(page, username=self._target.username, password=self._target.password, action="sign_in")
        if 'id="consent-allow"' in page.text:
            page = self.submit(page, action="allow")
        if not page.is_redirect:
            raise Failed(f"{page.status_code} {page.url.path}")
        return dict(parse_qsl(urlsplit(page.headers["location"]).query))

    def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Send a page's form and follow it on the provider. Raises `Failed`."""
        action = re.search(r'<form method="post" action="([^"]+)"', page.text)
        if action is None:
            raise Failed(f"no form: {page.status_code} {page.url.path}")
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self._target.issuer))
        path = action.group(1).removeprefix(origin)
        return self._follow(self.send("POST", path, data=hidden | fields, headers={"origin": origin}))

    def _follow(self, response: httpx2.Response) -> httpx2.Response:
        while response.is_redirect and response.headers["location"].startswith((self._target.issuer, "/")):
            response = self.send("GET", response.headers["location"].removeprefix(self._target.issuer))
        return response

    def token(self, **form: str) -> dict[str, Any]:
        """Send a token request. Raises `Failed`."""
        proof = base64.b64encode(f"{self._target.client_id}:{self._target.secret}".encode()).decode()
        answer = self.send("POST", "/oauth2/token", data=form, headers={"authorization": f"Basic {proof}"})
        if answer.status_code != 200:
            raise Failed(f"token: {answer.status_code} {answer.text[:200]}")
        found: dict[str, Any] = answer.json()
        return found

    def redeem(self, code: str) -> dict[str, Any]:
        """Redeem a code. Raises `Failed`."""
        return self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)

    def whole_journey(self) -> dict[str, Any]:
        """Sign in, redeem the code, refresh, ask UserInfo; return the last token response. Raises `Failed`."""
        answer = self.authorize()
        if "code" not in answer:
            raise Failed(f"authorization response: {answer}")
        tokens = self.token(grant_type="refresh_token", refresh_token=self.redeem(answer["code"])["refresh_token"])
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        told = self.send("GET", "/oauth2/userinfo", headers=bearer)
        if told.status_code != 200 or told.json().get("preferred_username") != self._target.username:
            raise Failed(f"userinfo: {told.status_code} {told.text[:200]}")
        return tokens
