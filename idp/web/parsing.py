"""From ASGI to `Request`: bounded, strict, and without trusting anything that a proxy was not asked to say."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from idp.protocol.errors import InvalidRequest
from idp.protocol.messages import Fields, Request
from idp.web.cookies import Cookies

LONGEST_QUERY = 32_768
LONGEST_HEADERS = 65_536
MOST_FIELDS = 200
FORM = "application/x-www-form-urlencoded"


class TooLarge(Exception):
    """A part of the request is over its bound; `status` says which (413, 414, 431)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Parser:
    """Makes requests of ASGI scopes."""

    def __init__(self, cookies: Cookies, trusted_proxies: tuple[str, ...]) -> None:
        self._cookies = cookies
        self._proxies = tuple(ipaddress.ip_network(network, strict=False) for network in trusted_proxies)

    def parse(
        self, scope: Mapping[str, Any], body: bytes, request_id: str, fetched: frozenset[str] = frozenset()
    ) -> Request:
        """Return the request. Raises `InvalidRequest` when query or form are not UTF-8 or have too many fields."""
        raw = [(name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in scope["headers"]]
        # The first of two counts.
        headers = dict(reversed(raw))
        is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=parse_fields(scope["query_string"]),
            form=parse_fields(body) if is_form and _is_utf8(headers) else None,
            content=body,
            headers=headers,
            authorization=tuple(value for name, value in raw if name == "authorization"),
            address=self.address(scope, [value for name, value in raw if name == "x-forwarded-for"]),
            request_id=request_id,
            browser=self._cookies.read([value for name, value in raw if name == "cookie"]),
            fetched=fetched,
        )

    def outline(self, scope: Mapping[str, Any], request_id: str) -> Request:
        """Return as much of a request as the answer to one that cannot be parsed needs: what it is for, and in which
        language whoever sent it reads."""
        headers: dict[str, str] = {}
        cookies = []
        for name, value in scope["headers"]:
            if name == b"accept-language":
                headers.setdefault("accept-language", value.decode("latin-1"))
            elif name == b"cookie":
                cookies.append(value.decode("latin-1"))
        return Request(
            method=scope["method"],
            path=scope["path"],
            headers=headers,
            request_id=request_id,
            browser=self._cookies.read(cookies),
        )

    def address(self, scope: Mapping[str, Any], forwarded: Sequence[str]) -> str:
        """Return the client's address: the peer's, or what a trusted proxy says of it in X-Forwarded-For (R13)."""
        peer = scope["client"][0] if scope.get("client") else ""
        if not self._proxies or not self._is_proxy(peer):
            return str(peer)
        # The last hop that is no proxy of ours is the client; anything before it may be invented. Some proxies append
        # a header of their own to those that the client sent: all of them are one list (RFC 9110 §5.3).
        for hop in reversed(",".join(forwarded).split(",")):
            candidate = hop.strip()
            if not _is_address(candidate):
                return str(peer)
            if not self._is_proxy(candidate):
                return candidate
        return str(peer)

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._proxies)


def check_bounds(scope: Mapping[str, Any]) -> None:
    """Raise `TooLarge` before any work is done on an oversized request (R18)."""
    if len(scope["query_string"]) + len(scope["raw_path"] or b"") > LONGEST_QUERY:
        raise TooLarge(414)
    headers = scope["headers"]
    if len(headers) > MOST_FIELDS or sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS:
        raise TooLarge(431)


def parse_fields(raw: bytes) -> Fields:
    """Return the fields of a query or form, blank ones included. Raises `InvalidRequest` when they are not UTF-8,
    have too many fields, or hold a NUL, which no database keeps alike."""
    if not raw:
        return ()
    try:
        fields = tuple(
            parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        )
    except ValueError as error:
        raise InvalidRequest("The parameters are not valid form-urlencoded UTF-8, or too many.") from error
    if any("\0" in name or "\0" in value for name, value in fields):
        raise InvalidRequest("A parameter holds a NUL character.")
    return fields


def _is_utf8(headers: Mapping[str, str]) -> bool:
    _, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower()
    return not charset.startswith("charset=") or charset[8:].strip('"') in {"utf-8", "utf8", "us-ascii"}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
