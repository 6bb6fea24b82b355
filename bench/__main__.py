"""`python -m bench`: measure the provider against the machine's limits and print a Markdown table.

Rates are per second of the server's own CPU time, so neither the load generator beside it nor noise from elsewhere
counts. A ratio of a code exchange is against two signatures, for it makes two.
"""

import base64
import hashlib
import json
import re
import socket
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from bench.http_load import Load, request, send_all
from bench.limits import argon2_rate, rsa_sign_rate
from bench.provider import CLIENT, PASSWORD, REDIRECT_URI, SECRET, USERNAME, Running, running_provider

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BASIC = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
AUTHORIZE = "/oauth2/authorize?" + urlencode(
    {
        "client_id": CLIENT,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": "openid profile roles",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
)
EXCHANGES, READS, SIGN_INS = 1_500, 3_000, 60


def main() -> None:
    """Run everything once and print the table."""
    signs, hashes = rsa_sign_rate(), argon2_rate()
    with running_provider(_free_port()) as provider:
        bench = Bench(provider, signs, hashes)
        idle = provider.resident_megabytes()
        bench.run()
        print(f"RSA-2048 sign: {signs:.0f}/s a core; Argon2id: {hashes:.1f}/s a core\n")
        print("| work | per CPU second | of the limit | p50 ms | p99 ms |\n|---|---|---|---|---|")
        print("\n".join(bench.rows))
        print(f"\nReady in {provider.ready_seconds:.2f} s; {idle:.0f} MB resident at start, ", end="")
        print(f"{provider.resident_megabytes():.0f} MB after the run.")


class Bench:
    """One run against a provider."""

    def __init__(self, provider: Running, signs: float, hashes: float) -> None:
        self._provider, self._signs, self._hashes = provider, signs, hashes
        self.rows: list[str] = []

    def run(self) -> None:
        """Measure each kind of work."""
        self._measure("sign-in (password)", self._sign_ins(), self._hashes, expect=303)
        cookie = self._session()
        codes = [_location(a)["code"][0] for a in self._codes(cookie)]
        tokens = self._measure("code exchange (2 RS256)", [self._exchange(c) for c in codes], self._signs / 2)
        refresh = [json.loads(_body(a))["refresh_token"] for a in tokens.answers]
        tokens = self._measure("refresh (2 RS256)", [self._refresh(t) for t in refresh], self._signs / 2)
        access = json.loads(_body(tokens.answers[-1]))["access_token"]
        credentials = self._post("/oauth2/token", {"grant_type": "client_credentials"})
        self._measure("client credentials (1 RS256)", [credentials] * EXCHANGES, self._signs)
        bearer = {"authorization": f"Bearer {access}"}
        self._measure("UserInfo", [self._get("/oauth2/userinfo", bearer)] * READS, self._signs)
        introspect = self._post("/oauth2/introspect", {"token": access})
        self._measure("introspection", [introspect] * READS, self._signs)
        self._measure("JWKS", [self._get("/.well-known/jwks.json")] * READS, self._signs)
        self._measure("discovery", [self._get("/.well-known/openid-configuration")] * READS, self._signs)

    def _measure(self, name: str, requests: list[bytes], limit: float, *, expect: int = 200) -> Load:
        before = self._provider.cpu_seconds()
        load = send_all(self._provider.port, requests)
        rate = len(requests) / max(0.001, self._provider.cpu_seconds() - before)
        wrong = [answer for answer in load.answers if answer[0] != expect]
        if wrong:
            raise SystemExit(f"{name}: {len(wrong)} answers were not {expect}; the first: {wrong[0]!r}")
        latency = f"{load.percentile(0.5):.1f} | {load.percentile(0.99):.1f}"
        self.rows.append(f"| {name} | {rate:.0f} | {rate / limit:.2f} | {latency} |")
        return load

    def _get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        return request("GET", path, self._provider.host, headers=headers)

    def _post(self, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> bytes:
        known = {"authorization": BASIC} if headers is None else headers
        return request("POST", path, self._provider.host, headers=known, body=urlencode(form).encode())

    def _exchange(self, code: str) -> bytes:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self._post("/oauth2/token", form | {"code_verifier": VERIFIER})

    def _refresh(self, token: str) -> bytes:
        return self._post("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token})

    def _codes(self, cookie: str) -> list[bytes]:
        load = send_all(self._provider.port, [self._get(AUTHORIZE, {"cookie": cookie})] * EXCHANGES)
        return [answer for _, answer in load.answers]

    def _sign_ins(self) -> list[bytes]:
        """Return posts of the sign-in page, each of an interaction and a browser of its own."""
        begun = send_all(self._provider.port, [self._get(AUTHORIZE)] * SIGN_INS)
        pages = [(_path(answer), _cookies(answer)) for _, answer in begun.answers]
        shown = send_all(self._provider.port, [self._get(path, {"cookie": cookie}) for path, cookie in pages])
        return [self._sign_in(answer, cookie) for (_, answer), (_, cookie) in zip(shown.answers, pages, strict=True)]

    def _sign_in(self, page: bytes, cookie: str) -> bytes:
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.decode()))
        form = hidden | {"username": USERNAME, "password": PASSWORD, "action": "sign_in"}
        return self._post("/login", form, {"cookie": cookie})

    def _session(self) -> str:
        return _cookies(send_all(self._provider.port, self._sign_ins()[:1]).answers[0][1])


def _head(answer: bytes, name: str) -> list[str]:
    lines = answer.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")
    return [line.split(":", 1)[1].strip() for line in lines if line.lower().startswith(name + ":")]


def _cookies(answer: bytes) -> str:
    return "; ".join(value.split(";", 1)[0] for value in _head(answer, "set-cookie"))


def _path(answer: bytes) -> str:
    parts = urlsplit(_head(answer, "location")[0])
    return f"{parts.path}?{quote(parts.query, safe='=&')}"


def _location(answer: bytes) -> dict[str, list[str]]:
    return parse_qs(urlsplit(_head(answer, "location")[0]).query)


def _body(answer: tuple[int, bytes]) -> bytes:
    return answer[1].split(b"\r\n\r\n", 1)[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
