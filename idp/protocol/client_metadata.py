"""Checks for members of client metadata (RFC 7591 §2): each returns the value to store, or raises."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from idp.outbound.addresses import is_loopback, is_loopback_name
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.spec import ClientDraft

LONGEST_TEXT = 200
LONGEST_URI = 2_000
MOST_URIS = 100
MOST_SECONDS = 9_999_999_999
# A host that has one reading only, for it also goes into the pages' Content-Security-Policy; no user information, no
# fragment, and no backslash, which some parsers take for a slash.
WEB_URI = re.compile(
    r"https?://(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?(?:[/?][!$-\[\]-~]*)?", re.IGNORECASE
)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
RESPONSE_MEMBERS = {"code", "state", "error", "error_description", "iss", "access_token", "id_token", "session_state"}


def check_redirect_uris(value: Any, draft: ClientDraft) -> tuple[str, ...]:
    """Accept https, http on a loopback address for native clients, private-use schemes for native clients (RFC 8252
    §7); no fragment, no user information, no query member that a response uses (R2)."""
    return tuple(_check_redirect_uri(uri, draft) for uri in _texts(value, "redirect_uris"))


def check_plain_uris(name: str) -> Callable[[Any, ClientDraft], tuple[str, ...]]:
    """Return a check for a list of web URIs under the rules of redirect URIs."""

    def check(value: Any, draft: ClientDraft) -> tuple[str, ...]:
        return tuple(_check_redirect_uri(uri, draft) for uri in _texts(value, name))

    return check


def check_web_uri(name: str) -> Callable[[Any, ClientDraft], str]:
    """Return a check for one https URI (http on loopback where the settings allow it)."""

    def check(value: Any, draft: ClientDraft) -> str:
        uri = check_text(name)(value, draft)
        if not is_web_uri(uri, draft):
            raise InvalidClientMetadata(f"{name} must be an https URL, in ASCII and without a fragment.")
        return uri

    return check


def check_text(name: str) -> Callable[[Any, ClientDraft], str]:
    """Return a check for one short printable text."""

    def check(value: Any, _draft: ClientDraft) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_URI or not value.isprintable():
            raise InvalidClientMetadata(f"{name} must be a text of at most {LONGEST_URI} printable characters.")
        return value

    return check


def check_name(value: Any, draft: ClientDraft) -> str:
    """Accept a short printable name; it is shown to people, always escaped. What turns the direction of a line of text,
    or is not seen, counts as not printable."""
    name = check_text("client_name")(value, draft)
    if len(name) > LONGEST_TEXT or not name.strip():
        raise InvalidClientMetadata(f"client_name is blank, or longer than {LONGEST_TEXT} characters.")
    return name


def check_list(name: str) -> Callable[[Any, ClientDraft], tuple[str, ...]]:
    """Return a check for a list of short printable texts."""

    def check(value: Any, _draft: ClientDraft) -> tuple[str, ...]:
        texts = _texts(value, name)
        if not all(0 < len(text) <= LONGEST_TEXT and text.isprintable() for text in texts):
            raise InvalidClientMetadata(f"{name} must hold texts of at most {LONGEST_TEXT} printable characters.")
        return texts

    return check


def check_response_types(value: Any, draft: ClientDraft) -> tuple[str, ...]:
    """Return the response types with their words in alphabetical order: their order has no meaning (OAuth Multiple
    Response Types §3)."""
    return tuple(dict.fromkeys(" ".join(sorted(kind.split())) for kind in check_list("response_types")(value, draft)))


def check_seconds(name: str) -> Callable[[Any, ClientDraft], int]:
    """Return a check for a whole number of seconds."""

    def check(value: Any, _draft: ClientDraft) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_SECONDS:
            raise InvalidClientMetadata(f"{name} must be a whole number of seconds.")
        return value

    return check


def check_flag(name: str) -> Callable[[Any, ClientDraft], bool]:
    """Return a check for true or false."""

    def check(value: Any, _draft: ClientDraft) -> bool:
        if not isinstance(value, bool):
            raise InvalidClientMetadata(f"{name} must be true or false.")
        return value

    return check


def check_choice(name: str, choices: tuple[str, ...]) -> Callable[[Any, ClientDraft], str]:
    """Return a check for one of the given words."""

    def check(value: Any, _draft: ClientDraft) -> str:
        if value not in choices:
            raise InvalidClientMetadata(f"{name} must be one of: {', '.join(choices)}.")
        return str(value)

    return check


def is_web_uri(uri: str, draft: ClientDraft) -> bool:
    """Tell whether a URI is https with a host, or http on a loopback host where `allow_loopback_clients` is set."""
    if not WEB_URI.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme == "https" or (_is_this_machine(host) and draft.settings.allow_loopback_clients)


def _is_this_machine(host: str) -> bool:
    try:
        return is_loopback(ipaddress.ip_address(host))
    except ValueError:
        return is_loopback_name(host)


def _check_redirect_uri(uri: str, draft: ClientDraft) -> str:
    if len(uri) > LONGEST_URI or not uri.isascii() or not uri.isprintable() or " " in uri or "#" in uri:
        raise InvalidRedirectUri("A URI must be ASCII, without spaces and without a fragment.")
    if not (_is_web_redirect_uri(uri, draft) or (draft.is_native and _is_native_uri(uri))):
        raise InvalidRedirectUri(
            "A URI must be https, on another host than localhost; clients of application_type native may use http on "
            "127.0.0.1 or [::1], or a private-use scheme.",
            hint="See RFC 8252 section 7.",
        )
    if RESPONSE_MEMBERS & {name for name, _ in parse_qsl(urlsplit(uri).query, keep_blank_values=True)}:
        raise InvalidRedirectUri("The query of a URI must not contain members that a response uses.")
    return uri


def _is_web_redirect_uri(uri: str, draft: ClientDraft) -> bool:
    """Tell whether a URI may take a web client's responses: never on the End-User's own machine, where anything may
    listen (OIDC Registration §2), but in development."""
    if not is_web_uri(uri, draft):
        return False
    return draft.settings.allow_loopback_clients or not _is_this_machine(urlsplit(uri).hostname or "")


def _is_native_uri(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "http":
        return parts.hostname in {"127.0.0.1", "::1"} and parts.username is None and parts.password is None
    # A private-use scheme is a reversed domain name (RFC 8252 §7.1): the dot keeps javascript:, data: and file: out.
    return "." in parts.scheme and bool(SCHEME.fullmatch(parts.scheme))


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_URIS or not all(isinstance(v, str) for v in value):
        raise InvalidClientMetadata(f"{name} must be a list of at most {MOST_URIS} texts.")
    return tuple(dict.fromkeys(value))


def check_scope_list(value: Any, draft: ClientDraft) -> str:
    """Accept a space-delimited list of scopes (RFC 6749 §3.3)."""
    return " ".join(dict.fromkeys(check_text("scope")(value, draft).split()))
