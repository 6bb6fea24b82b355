"""HT-30: random requests by a grammar: each is one that a client or a browser could send, with something wrong in it.

What answers hand out (codes, tokens, handles, forms, cookies) is sent again, so that requests also come to what lies
behind a sign-in."""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode, urlsplit

from tests.attacks.pages import HIDDEN
from tests.provider import CHALLENGE, ISSUER, PASSWORD, SECRET, VERIFIER

Fields = list[tuple[str, str]]
FORM = "application/x-www-form-urlencoded"
MOST_KEPT = 40
ACTION = re.compile(r'<form method="post" action="([^"]+)"')
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "get", "TRACE", "x" * 40)
TOKENS = ("access_token", "refresh_token", "id_token", "registration_access_token")
# An address that refuses at once: nothing is looked up, nothing waits.
NOWHERE = "https://127.0.0.1:9/x"
JUNK = (
    *("", " ", "\0", "a\0b", "\n", "\r\nx: y", "\x1b[31m", "\x7f", "'", '"', "<script>", "{{7*7}}", "%", "%00", "%ff"),
    *("\u202e", "\ufeff", "٣", "ｎone", "😀", "e\u0301", "\ud800", "\udfff\ud800", "ß" * 300, "x" * 20_000),
    *("0", "-1", "1e9", "NaN", "Infinity", "1" * 30, "9" * 5_000, "true", "null", "[]", "{}", "[" * 400, '{"a":' * 90),
    *("none", "login", "consent", "select_account", "create", "none login", "S256", "plain", "code", "id_token token"),
    *("query", "fragment", "form_post", "openid", "openid " * 60, "offline_access", "a  b", "/", "//evil.example"),
    *("https://evil.example/cb", "javascript:alert(1)", "http://127.0.0.1:1/cb", "com.example.app:/cb", NOWHERE),
    *(".", "..", "...", "a.b", "a.b.c", "a.b.c.d.e", "=", "&", ";", "a=b", "\\", "../../etc/passwd", "|| true"),
)
JSON_ATOMS: tuple[Any, ...] = (None, True, 0, -1, 2**63, 10**400, 1.5, float("nan"), "", "x", "\0", "\ud800", [], {})
GRANTS = ("authorization_code", "refresh_token", "client_credentials", "password", "implicit", "x")


@dataclass(frozen=True)
class Drawn:
    """A request as the application gets it."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    address: str


@dataclass
class Grammar:
    """Draws requests to `paths`, with `parameters` and `metadata` by their names."""

    random: Random
    paths: Sequence[str]
    parameters: Sequence[str]
    metadata: Sequence[str]
    kept: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def draw(self) -> Drawn:
        """Return a request."""
        kind = self.random.choice((self._authorize, self._token, self._form, self._form, self._any, self._register))
        method, path, fields, headers, body = kind()
        if self._rarely(0.5):
            fields = self._spoilt(fields)
        if self._rarely(0.03):
            method = self.random.choice(METHODS)
        if self._rarely(0.03):
            path = self._spoilt_path(path)
        query = b""
        if body is None and method == "POST":
            headers.setdefault("content-type", FORM)
            body = self._encoded(fields)
        elif body is None or self._rarely(0.1):
            query = self._encoded(fields)
        return Drawn(method, path, query, self._headers(headers), self._cut(body or b""), self._address())

    def learn(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, asked: Drawn) -> None:
        """Keep what an answer hands out."""
        cookies = [value.partition(b";")[0] for name, value in headers if name == b"set-cookie"]
        sent = [value for name, value in asked.headers if name == b"cookie"]
        cookie = b"; ".join(cookies or sent)
        if cookies:
            self._keep("cookie", cookie.decode("latin-1"))
        location = next((value.decode("latin-1") for name, value in headers if name == b"location"), "")
        for name, value in parse_qsl(urlsplit(location).query):
            self._keep(name, value)
        if location.startswith(ISSUER):
            self._keep("pages", (location[len(ISSUER) :], cookie))
        text = body.decode("utf-8", "replace")
        if (action := ACTION.search(text)) is not None:
            self._keep("forms", (urlsplit(action[1]).path, HIDDEN.findall(text), cookie))
        elif text.startswith("{") and status < 300:
            for name in TOKENS:
                if name in (members := json.loads(text)):
                    self._keep("token", members[name])
            if "registration_client_uri" in members:
                self._keep("client", (members["client_id"], members.get("client_secret", SECRET)))

    def _keep(self, kind: str, value: Any) -> None:
        pool = self.kept[kind]
        pool.append(value)
        if len(pool) > MOST_KEPT:
            pool.pop(self.random.randrange(MOST_KEPT))

    def _rarely(self, share: float) -> bool:
        return self.random.random() < share

    def _one(self, kind: str, *others: Any) -> Any:
        pool = self.kept[kind]
        return self.random.choice(pool if pool and self._rarely(0.8) else others or JUNK)

    def _authorize(self) -> tuple[str, str, Fields, dict[str, str], bytes | None]:
        client, uri = self.random.choice(
            (
                ("web", "https://rp.example/cb"),
                ("third", "https://rp.example/cb"),
                ("old", "https://rp.example/cb"),
                ("spa", "https://spa.example/cb"),
                ("pub", "http://127.0.0.1:5/cb"),
            )
        )
        kinds = ("code", "id_token", "id_token token", "code id_token") if client == "old" else ("code",)
        fields = [
            ("client_id", client),
            ("redirect_uri", uri),
            ("response_type", self.random.choice(kinds)),
            ("scope", self.random.choice(("openid", "openid profile email offline_access", "openid api.read"))),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
        for _ in range(self.random.randrange(3)):
            fields.append((self.random.choice(self.parameters), self._value()))
        cookie = {"cookie": self._one("cookie", "x")} if self._rarely(0.7) else {}
        return self.random.choice(("GET", "GET", "POST")), "/oauth2/authorize", fields, cookie, None

    def _token(self) -> tuple[str, str, Fields, dict[str, str], bytes | None]:
        path = self.random.choice(("/oauth2/token", "/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"))
        fields = [("grant_type", self.random.choice((GRANTS[0], GRANTS[0], *GRANTS))), ("code", self._one("code", "x"))]
        fields += [
            ("redirect_uri", "https://rp.example/cb"),
            ("code_verifier", VERIFIER),
            ("token", self._one("token")),
        ]
        fields += [
            ("refresh_token", self._one("token", "x")),
            ("scope", self.random.choice(("openid", "api.read", ""))),
        ]
        client = self.random.choice(("web", "web", "web", "third", "old", "evil", "svc", "pub"))
        headers = {}
        if self._rarely(0.2):
            fields += [("client_id", client), ("client_secret", SECRET)]
        elif self._rarely(0.1):
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            fields += [("client_assertion_type", kind), ("client_assertion", self._jwt())]
        else:
            headers = {"authorization": "Basic " + base64.b64encode(f"{client}:{SECRET}".encode()).decode()}
        return "POST", path, fields, headers, None

    def _form(self) -> tuple[str, str, Fields, dict[str, str], bytes | None]:
        """Send a form that was shown, or go where an answer led."""
        if self._rarely(0.3):
            target, cookie = self._one("pages", ("/login?flow=x", b""))
            parts = urlsplit(target)
            return "GET", parts.path, parse_qsl(parts.query), {"cookie": cookie.decode("latin-1")}, None
        path, hidden, cookie = self._one("forms", ("/login", [("flow", "x")], b""))
        action = self.random.choice(("sign_in", "sign_in", "allow", "deny", "cancel", "choose", "x"))
        name = self.random.choice(("alice", "alice", "bob", "nobody", self._value()))
        fields = [
            *hidden,
            ("username", name),
            ("password", self.random.choice((PASSWORD, PASSWORD, "x"))),
            ("action", action),
        ]
        return "POST", path, fields, {"cookie": cookie.decode("latin-1")}, None

    def _register(self) -> tuple[str, str, Fields, dict[str, str], bytes | None]:
        members: dict[str, Any] = {"redirect_uris": ["https://new.example/cb"]}
        for _ in range(self.random.randrange(4)):
            members[self.random.choice(self.metadata)] = self._json(3)
        path, method = "/oauth2/register", "POST"
        if self._rarely(0.4):
            client_id, secret = self._one("client", ("web", SECRET))
            path, method = f"/oauth2/register/{client_id}", self.random.choice(("GET", "PUT", "DELETE"))
            members |= {"client_id": client_id, "client_secret": secret}
        text = json.dumps(self._json(4) if self._rarely(0.1) else members)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._one('token', 'x')}"}
        return method, path, [], headers, text.encode()

    def _any(self) -> tuple[str, str, Fields, dict[str, str], bytes | None]:
        fields = [(self.random.choice((*self.parameters, *self.kept)), self._value()) for _ in range(4)]
        headers = {"authorization": f"{self.random.choice(('Bearer', 'bearer', 'DPoP', 'Basic', ''))} {self._value()}"}
        path = self.random.choice(self.paths).replace("{client_id}", "web")
        return self.random.choice(("GET", "POST")), path, fields, headers if self._rarely(0.5) else {}, None

    def _value(self) -> str:
        """Return a value of any parameter: a good one of something, a token, a JSON text, or none of these."""
        draws: tuple[Callable[[], str], ...] = (
            lambda: self.random.choice(JUNK),
            lambda: str(self._one("token")),
            lambda: str(self._one(self.random.choice(("flow", "code", "state")))),
            self._jwt,
            lambda: json.dumps(self._json(4)),
            lambda: "".join(chr(self.random.randrange(0x3000)) for _ in range(self.random.randrange(30))),
        )
        return self.random.choice(draws)()

    def _json(self, depth: int) -> Any:
        if depth == 0 or self._rarely(0.4):
            return self.random.choice((*JSON_ATOMS, *JUNK))
        if self._rarely(0.5):
            return [self._json(depth - 1) for _ in range(self.random.randrange(4))]
        names = (*self.metadata, "id_token", "userinfo", "essential", "value", "keys", "kty", "n", "e", "alg")
        return {self.random.choice(names): self._json(depth - 1) for _ in range(self.random.randrange(4))}

    def _jwt(self) -> str:
        header = {"alg": self.random.choice(("none", "RS256", "HS256", "ES256", "", "dir")), "kid": self._json(1)}
        payload = {"iss": self.random.choice(("web", ISSUER)), "sub": "web", "aud": ISSUER, "exp": self._json(1)}
        parts = (header, payload | {"jti": self._json(1)}, "x")
        return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)

    def _spoilt(self, fields: Fields) -> Fields:
        """Return the fields with something wrong."""
        found = list(fields)
        while found and self._rarely(0.6):
            at = self.random.randrange(len(found))
            change = self.random.randrange(5)
            if change == 0:
                del found[at]
            elif change == 1:
                found.append(found[at])
            elif change == 2:
                found[at] = (found[at][0], self._value())
            elif change == 3:
                found[at] = (self.random.choice(JUNK), found[at][1])
            else:
                found[at] = (found[at][0], found[at][1] + self.random.choice(JUNK))
        return found

    def _spoilt_path(self, path: str) -> str:
        at = self.random.randrange(len(path) + 1)
        return "/" + (path[:at] + self.random.choice(JUNK) + path[at:])[1:4_000]

    def _encoded(self, fields: Fields) -> bytes:
        raw = urlencode(fields, errors="surrogatepass").encode()
        if self._rarely(0.05):
            raw = self._cut(raw) + b"&" + quote_from_bytes(self.random.randbytes(8)).encode() + self.random.randbytes(3)
        return raw

    def _cut(self, raw: bytes) -> bytes:
        return raw[: self.random.randrange(len(raw) + 1)] if self._rarely(0.05) else raw

    def _headers(self, headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
        found = dict(headers)
        while self._rarely(0.2):
            names = (
                "accept",
                "accept-language",
                "origin",
                "user-agent",
                "cookie",
                "authorization",
                "content-type",
                "dpop",
            )
            found[self.random.choice((*names, "x-forwarded-for", "forwarded"))] = self._value()
        # As the parser leaves them: no NUL, no line ends.
        return tuple(
            (name.encode(), re.sub(rb"[\0\r\n]", b"", value.encode("utf-8", "surrogatepass")).strip()[:16_000])
            for name, value in found.items()
        )

    def _address(self) -> str:
        return self.random.choice(("192.0.2.7", "2001:db8::7", f"198.51.100.{self.random.randrange(256)}"))
