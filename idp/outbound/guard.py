"""The guarded HTTP client: the only way in which the provider opens a connection to another party (R14).

https to public addresses only, judged after resolution and connected to as judged; no redirects, no proxies, no
cookies, no credentials, no content codings; one deadline and one size limit over everything; a connection per request.
With `allow_loopback`, meant for development, loopback addresses are allowed as well, over http too, and names under
`.localhost` go to 127.0.0.1 whatever a resolver knows of them (RFC 6761 §6.3), keeping their `Host`.
"""

import ssl
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from idp.outbound.addresses import AddressBook, Resolver, resolve_by_system
from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.outbound.urls import Target, parse_target

if TYPE_CHECKING:
    import httpcore2

__all__ = ["DEFAULT_BYTES", "MOST_BYTES", "OutboundClient", "OutboundFailed", "OutboundRefused", "Outcome"]

# R14: at most 5 s and 1 MB.
DEADLINE_SECONDS = 5.0
DEFAULT_BYTES = 64 * 1024
MOST_BYTES = 1_000_000

# For the status line, the headers and TLS around a body.
_ENVELOPE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """How another party answered: the HTTP status code."""

    status: int


class UnusableAuthorities(Exception):
    """The file of certificate authorities cannot be used; the text says why."""


Trust = Callable[[], ssl.SSLContext]
"""What gives the context that verifies certificates, when the first is to be verified."""


@lru_cache(maxsize=4)
def trust(extra_authorities: Path | None = None) -> ssl.SSLContext:
    """Return what verifies certificates by the system's authorities and those of a PEM file, read once.

    Raises `UnusableAuthorities`."""
    context = ssl.create_default_context()
    if extra_authorities is not None:
        try:
            context.load_verify_locations(extra_authorities)
        except (OSError, ValueError) as error:
            raise UnusableAuthorities(f"outbound_ca_file: {extra_authorities} cannot be used: {error}") from None
    return context


class OutboundClient:
    """Makes single requests. Safe for use by many threads."""

    def __init__(
        self,
        *,
        allow_loopback: bool,
        resolve: Resolver = resolve_by_system,
        authorities: Trust = trust,
        deadline_seconds: float = DEADLINE_SECONDS,
        trusted_hosts: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """By default the system's `authorities` are trusted. `trusted_hosts` may be reached wherever they are, by
        https. `headers` are sent with every request, beside the usual ones."""
        self._headers: list[tuple[bytes | str, bytes | str]] = list((headers or {}).items())
        self._allow_loopback = allow_loopback
        self._addresses = AddressBook(allow_loopback=allow_loopback, resolve=resolve, trusted_hosts=trusted_hosts)
        self._authorities = authorities
        self._deadline_seconds = deadline_seconds

    def post_form(self, url: str, fields: Mapping[str, str]) -> Outcome:
        """POST `application/x-www-form-urlencoded` fields and return the answer's status, whatever it is.

        The body of the answer is not read: nobody needs it, so nobody can hold us up with it. Raises
        `OutboundRefused` and `OutboundFailed`.
        """
        content = urlencode(fields).encode("ascii")
        with self._open("POST", url, content, DEFAULT_BYTES) as answer:
            return Outcome(answer.status)

    def get(self, url: str, max_bytes: int = DEFAULT_BYTES) -> bytes:
        """GET and return the body of a 200 answer, at most `max_bytes` (up to 1 MB), as sent.

        Raises `OutboundRefused`, and `OutboundFailed` for any other status, a redirect included.
        """
        if not 0 < max_bytes <= MOST_BYTES:
            raise ValueError(f"max_bytes must be within 1 and {MOST_BYTES}")
        with self._open("GET", url, None, max_bytes) as answer:
            if answer.status != 200:
                raise OutboundFailed(f"answered {answer.status}")
            _check_coding(answer)
            return _read(answer, max_bytes)

    def _open(
        self, method: str, url: str, form: bytes | None, max_bytes: int
    ) -> "AbstractContextManager[httpcore2.Response]":
        from idp.outbound.network import Budget
        from idp.outbound.requesting import answer_to

        target = parse_target(url, allow_http=self._allow_loopback)
        # Before the time begins to run: the first one reads a hundred certificates.
        verifying = self._authorities() if target.scheme == "https" else None
        return answer_to(
            method,
            target,
            [*_headers(target, form), *self._headers],
            form,
            addresses=self._addresses,
            budget=Budget(self._deadline_seconds, max_bytes + _ENVELOPE_BYTES),
            ssl_context=verifying,
        )


def _headers(target: Target, form: bytes | None) -> list[tuple[bytes | str, bytes | str]]:
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("Host", target.authority),
        ("User-Agent", "Signet"),
        ("Connection", "close"),
        # An answer in a content coding could unfold into something large (a "gzip bomb").
        ("Accept-Encoding", "identity"),
    ]
    return headers if form is None else [*headers, ("Content-Type", "application/x-www-form-urlencoded")]


def _check_coding(answer: "httpcore2.Response") -> None:
    codings = [value for name, value in answer.headers if name.lower() == b"content-encoding"]
    if any(coding.lower() != b"identity" for coding in codings):
        raise OutboundFailed("answered in a content coding that was not asked for")


def _read(answer: "httpcore2.Response", max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise OutboundFailed("the answer is too large")
    return bytes(body)
