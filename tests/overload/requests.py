"""The requests that a provider is loaded with, as bytes."""

import asyncio
from base64 import b64encode
from urllib.parse import urlencode, urlsplit

from tests.attacks.pages import HIDDEN
from tests.overload.provider import REDIRECT_URI, Served
from tests.overload.sending import Answered, ask_once
from tests.provider import CHALLENGE, PASSWORD, SECRET, VERIFIER

BASIC = "Basic " + b64encode(f"web:{SECRET}".encode()).decode()


def request(
    served: Served, method: str, target: str, headers: dict[str, str], form: dict[str, str] | None = None
) -> bytes:
    """Return a request."""
    body = urlencode(form or {}).encode()
    lines = [f"{method} {target} HTTP/1.1", f"host: {served.host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if form is not None:
        lines += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


def token_request(served: Served) -> bytes:
    """Return a token request by client credentials: one signature, one row."""
    return request(served, "POST", "/oauth2/token", {"authorization": BASIC}, {"grant_type": "client_credentials"})


def code_request(served: Served, code: str) -> bytes:
    """Return a token request by a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return request(served, "POST", "/oauth2/token", {"authorization": BASIC}, form)


async def sign_in_request(served: Served, password: str = PASSWORD) -> bytes:
    """Go to the sign-in page as a new browser, and return the form that is to be sent."""
    query = {"client_id": "web", "redirect_uri": REDIRECT_URI, "response_type": "code", "scope": "openid"}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    first = await ask_once(served.port, request(served, "GET", f"/oauth2/authorize?{urlencode(query)}", {}))
    parts = urlsplit(header(first, "location"))
    cookie = {"cookie": header(first, "set-cookie").partition(";")[0]}
    page = await ask_once(served.port, request(served, "GET", f"{parts.path}?{parts.query}", cookie))
    hidden = dict(HIDDEN.findall(page.raw.decode()))
    assert hidden, page
    fields = hidden | {"username": "alice", "password": password, "action": "sign_in"}
    return request(served, "POST", "/login", cookie, fields)


async def sign_in_requests(served: Served, count: int) -> list[bytes]:
    """Return the forms of so many browsers."""
    return [await sign_in_request(served) for _ in range(count)]


async def two(served: Served, raw: bytes, seconds: float) -> list[Answered]:
    """Return the answers to two who ask every 20 ms, each time on a connection of its own."""

    async def one() -> list[Answered]:
        found = []
        ends_at = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends_at:
            found.append(await ask_once(served.port, raw))
            await asyncio.sleep(0.02)
        return found

    return [answer for answers in await asyncio.gather(one(), one()) for answer in answers]


def header(answer: Answered, name: str) -> str:
    """Return a header of an answer. Raises StopIteration where there is none."""
    head = answer.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    return next(line[len(name) + 2 :] for line in head.split("\r\n") if line.lower().startswith(f"{name}: "))
