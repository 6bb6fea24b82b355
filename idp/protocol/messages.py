"""What crosses the edge: one request value in, one response value out. No HTTP library is known here."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from idp.randomness import digest

Fields = tuple[tuple[str, str], ...]

NO_STORE: Fields = (("cache-control", "no-store"), ("pragma", "no-cache"))


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """The language that was chosen on a page, by its tag, and the instant."""

    tag: str
    chosen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """What a browser's cookies say: its own random id, the handles of its sessions, the active one first, and the
    language chosen in it. All of it is untrusted until looked up. `device_handles` are those by which accounts know
    this browser again. `remembered` only decides how long the cookies live."""

    browser_id: str | None = None
    session_handles: tuple[str, ...] = ()
    device_handles: tuple[str, ...] = ()
    remembered: bool = False
    language: LanguageChoice | None = None

    @property
    def browser_hash(self) -> str | None:
        """The digest of the browser's id, to which interactions and sessions are bound."""
        return digest(self.browser_id) if self.browser_id else None

    @property
    def state(self) -> str:
        """What scripts may know of the sessions: another value whenever one begins, is renewed or ends, the same in
        whatever order they are, empty without any. No handle, and no digest by which one is stored, follows from it."""
        return digest(" ".join(("session state", *sorted(self.session_handles)))) if self.session_handles else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, parsed. `headers` have lower-case names and one value each; `authorization` holds every
    Authorization header; `form` is None when the body is no form, and `content` is the body as it came. `address` is
    the client's. `fetched` are the URLs of documents that were fetched for this very request."""

    method: str
    path: str
    query: Fields = ()
    form: Fields | None = None
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: tuple[str, ...] = ()
    address: str = ""
    request_id: str = ""
    browser: Browser = Browser()
    fetched: frozenset[str] = frozenset()

    @property
    def media_type(self) -> str:
        """The media type of the body in lower case, without parameters; empty when none is said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def fields(self) -> Fields:
        """The form of a POST, the query of anything else."""
        return (self.form or ()) if self.method == "POST" else self.query


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response. A `body` that is a function is called after the unit of work has committed: signing takes longer
    than any statement and must not hold the store. A `browser` sets the cookies anew, a `language` its own alone."""

    status: int = 200
    headers: Fields = ()
    body: bytes | Callable[[], bytes] = b""
    browser: Browser | None = None
    language: LanguageChoice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What is known of who reads a page, beside the request for it: the client's `ui_locales` and the instant that it
    asked, and the `locale` of the account. All of it is untrusted."""

    ui_locales: tuple[str, ...] = ()
    asked_at: int = 0
    account_locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page for a person: `facts` is one of the values of `idp.protocol.pages`, or a view of the web layer, which
    renders it. `form_targets` are the validated URIs to which its form may lead in the end. `reader` decides, with the
    request, which language it is in."""

    facts: object
    form_targets: tuple[str, ...] = ()
    status: int = 200
    browser: Browser | None = None
    reader: Reader = Reader()


Answer = Response | Page


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encode_json(members: Mapping[str, Any]) -> bytes:
    """Return compact JSON in UTF-8."""
    return _encode(members).encode()


def json_response(members: Mapping[str, Any], *, status: int = 200, headers: Fields = NO_STORE) -> Response:
    """Answer with a JSON object that must not be cached unless `headers` say otherwise."""
    return Response(status=status, headers=(("content-type", "application/json"), *headers), body=encode_json(members))


def redirect(location: str, *, browser: Browser | None = None) -> Response:
    """Redirect by 303, so that a POST with a password is never repeated at the target (RFC 9700 §4.12)."""
    return Response(status=303, headers=(("location", location), *NO_STORE), browser=browser)


def with_fragment(uri: str, parameters: Mapping[str, str]) -> str:
    """Append parameters as the fragment of a URI, which by registration has none."""
    return f"{uri}#{urlencode(parameters)}"


def with_query(uri: str, parameters: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Append parameters to a URI, keeping the query it has byte for byte (RFC 6749 §3.1.2)."""
    if not parameters:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"
