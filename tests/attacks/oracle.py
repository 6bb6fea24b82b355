"""What holds for every answer to an attack, whatever the attack was, and the forms that a refusal can have."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from idp.protocol import errors
from idp.specs.session_management import PATH as FRAME
from tests.provider import ISSUER, House

CALLBACK = "https://rp.example/cb"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000",
}
CLASSES = "|".join(name for name in dir(errors) if name[1:] != name[1:].lower())
INTERNALS = re.compile(
    r"Traceback|File \"|site-packages|sqlalchemy|sqlite|starlette|uvicorn|httptools|SELECT |UPDATE |INSERT |/idp/|"
    rf"[a-z](?:Error|Exception)\b|\b(?:{CLASSES})\b"
)
# RFC 6749 §5.2: the characters that error_description may have.
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")
TABLES = (
    "accounts",
    "account_names",
    "credentials",
    "clients",
    "resources",
    "sessions",
    "grants",
    "refresh_tokens",
    "artifacts",
    "consents",
    "outbox",
    "signing_keys",
)
HANDED_OUT = ("access_token", "refresh_token", "id_token", "client_secret", "registration_access_token")
ISSUED = ("sessions", "grants", "refresh_tokens", "consents", "outbox")


def check_answer(response: httpx2.Response) -> None:
    """Fail unless the answer is one that we may give to anybody, refusals included."""
    assert response.status_code < 500, response.text
    for name, value in HEADERS.items():
        assert response.headers.get(name) == value, (name, response.status_code)
    check_framing(response, framable=response.status_code == 200 and response.request.url.path == FRAME)
    assert "permissions-policy" in response.headers
    assert "server" not in response.headers
    if response.status_code >= 400:
        found = INTERNALS.search(response.text)
        assert found is None, found
    if response.content and response.headers["content-type"].startswith("application/json"):
        members = response.json()
        assert DESCRIPTION.fullmatch(members.get("error_description", "")), members


def check_framing(response: httpx2.Response, *, framable: bool) -> None:
    """Fail unless the answer is kept out of every frame, or is the one page that is made for them."""
    policies = response.headers.get_list("content-security-policy")
    assert len(policies) == 1
    ancestors = re.findall(r"frame-ancestors ([^;]*)", policies[0])
    assert ancestors == (["*"] if framable else ["'none'"]), response.status_code
    assert response.headers.get_list("x-frame-options") == ([] if framable else ["DENY"])


def assert_page(response: httpx2.Response, status: int = 400) -> None:
    """Expect an error page of ours that leads nowhere."""
    assert response.status_code == status, response.text
    assert "location" not in response.headers
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "no-store" in response.headers["cache-control"]
    assert 'id="op-error"' in response.text


def assert_redirected(
    response: httpx2.Response, *allowed: str, redirect_uri: str = CALLBACK, state: str | None = "st"
) -> None:
    """Expect an error response at the client: one of the allowed errors, the state untouched, `iss`, and no code."""
    assert response.status_code in {302, 303}, response.text
    location = response.headers["location"]
    assert location.startswith((f"{redirect_uri}?", f"{redirect_uri}&")), location
    params = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    members = dict(params)
    assert len(members) == len(params)
    assert members["error"] in allowed, members
    assert members.get("state") == state
    assert members["iss"] == ISSUER
    assert not {"code", "id_token", "access_token"} & members.keys()
    assert DESCRIPTION.fullmatch(members.get("error_description", ""))


def assert_refused(response: httpx2.Response, *allowed: str, status: int = 400) -> None:
    """Expect a JSON error of a client's endpoint (RFC 6749 §5.2)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    members = response.json()
    assert members["error"] in allowed, members
    assert members.keys() <= {"error", "error_description"}


def assert_challenged(response: httpx2.Response, error: str | None, status: int = 401) -> None:
    """Expect a challenge of a protected resource (RFC 6750 §3)."""
    assert response.status_code == status, response.text
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith("Bearer realm=")
    assert (f'error="{error}"' in challenge) if error else ("error" not in challenge)
    assert "sub" not in response.json()


def rows(house: House, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of these tables, of all but counters and audit when none is named."""
    # The fixture keeps the database beside the key.
    connection = sqlite3.connect(house.server.settings.key_encryption_key_file.with_name("signet.sqlite3"))
    try:
        return {table: sorted(connection.execute(f"select * from {table}"), key=repr) for table in tables or TABLES}
    finally:
        connection.close()


@contextmanager
def unchanged(house: House, *tables: str) -> Iterator[None]:
    """Fail when the block changes a row of these tables, of any but counters and audit when none is named."""
    before = rows(house, *tables)
    yield
    assert rows(house, *tables) == before


def audited(house: House) -> list[str]:
    """Return the names of all audit events, the oldest first."""
    with house.storage.snapshot() as uow:
        return [event.name for event in reversed(uow.audit.list(limit=1000))]


def secrets_in(response: httpx2.Response) -> set[str]:
    """Return the codes, tokens, secrets and cookies that an answer hands out; none of them may be logged."""
    found = {value for name, value in parse_qsl(urlsplit(response.headers.get("location", "")).query) if name == "code"}
    for cookie in response.headers.get_list("set-cookie"):
        value = cookie.partition("=")[2].partition(";")[0]
        found |= set(value.split("."))
    if response.content and response.headers["content-type"].startswith("application/json"):
        members = json.loads(response.content)
        found |= {str(members[name]) for name in HANDED_OUT if name in members}
    return found - {""}
