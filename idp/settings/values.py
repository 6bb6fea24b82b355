"""Checks of single values. Each returns the value as it was given (an issuer above all is never normalised) or raises
`WrongValue`, which has an example of a right one."""

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from idp.languages import LANGUAGES
from idp.settings.colours import COLOUR

EXAMPLE_ISSUER = "https://login.example.org"
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgresql+psycopg://")
_DEFAULT_PORTS = {"https": 443, "http": 80}


class WrongValue(ValueError):
    """A value that cannot be meant; `example` is one that could."""

    def __init__(self, problem: str, example: str) -> None:
        super().__init__(problem)
        self.problem, self.example = problem, example


def check_issuer(issuer: str) -> str:
    """Accept an http(s) URL that has one spelling only, for clients compare it byte by byte (OIDC Core §2 `iss`,
    OIDC Discovery §4.3)."""
    try:
        problem = _issuer_problem(issuer, urlsplit(issuer))
    except ValueError:
        problem = "is not a URL"
    if problem:
        raise WrongValue(f"{problem}; clients compare the issuer byte by byte", EXAMPLE_ISSUER)
    return issuer


def _issuer_problem(issuer: str, parts: SplitResult) -> str | None:
    port = parts.port
    faults = {
        "must start with https:// (or http:// on this machine), in lower case": not issuer.startswith(
            ("https://", "http://")
        ),
        "must not have a query or a fragment": "?" in issuer or "#" in issuer,
        "must not end with a slash": issuer.endswith("/"),
        "must not have a user name": "@" in parts.netloc,
        "must have its host in lower case": parts.netloc != parts.netloc.lower(),
        "must name a host": not is_host(parts.hostname or ""),
        "must not name the port that its scheme implies": port is not None and port == _DEFAULT_PORTS.get(parts.scheme),
        "must name a port from 1 to 65535": parts.netloc.endswith(":") or port == 0,
        "must have a path of plain segments": not _PATH.fullmatch(parts.path)
        or bool({".", ".."} & set(parts.path.split("/"))),
        "must not have spaces or control characters": not issuer.isascii() or not issuer.isprintable() or " " in issuer,
    }
    return next((problem for problem, found in faults.items() if found), None)


def is_host(host: str) -> bool:
    """Tell whether this is a host name in ASCII (RFC 1123 §2.1) or an address."""
    return bool(_HOST_NAME.fullmatch(host)) or is_address(host)


def is_address(host: str) -> bool:
    """Tell whether this is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine (RFC 6761 §6.3)."""
    if is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def check_network(network: str) -> str:
    """Accept an IP address or network."""
    try:
        ipaddress.ip_network(network, strict=False)
    except ValueError:
        raise WrongValue("is not an IP address or network", "10.0.0.0/8") from None
    return network


def check_outbound_host(text: str) -> str:
    """Accept a host name or an address, alone or with a port (an IPv6 address in brackets then); no pattern."""
    if "%" in text or not (is_host(text.lower()) or _is_host_and_port(text)):
        raise WrongValue("is not the name of one host, with or without a port", "shop.internal.example.org:8443")
    return text


def _is_host_and_port(text: str) -> bool:
    try:
        parts = urlsplit(f"//{text}")
        has_port = bool(parts.port) and text.endswith(f":{parts.port}")
        return parts.netloc == text and "@" not in text and has_port and is_host(parts.hostname or "")
    except ValueError:
        return False


def check_database_url(url: str) -> str:
    """Accept a file of SQLite or a database of PostgreSQL; empty means the file in `home`."""
    if url.startswith(_POSTGRESQL):
        if not _names_a_database(url):
            raise WrongValue("must name a PostgreSQL database", "postgresql://signet:password@db.example.org/signet")
    elif url and (not url.startswith(_SQLITE) or url in {_SQLITE, "sqlite:///:memory:"} or "?" in url):
        raise WrongValue("must name a SQLite file or a PostgreSQL database", "sqlite:////var/lib/signet/signet.sqlite3")
    return url


def sqlite_file(database_url: str) -> Path | None:
    """Return the file of a database that is one."""
    return Path(database_url.removeprefix(_SQLITE)) if database_url.startswith(_SQLITE) else None


def _names_a_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.port != 0 and len(parts.path) > 1 and not parts.fragment
    except ValueError:
        return False


def check_printable(text: str) -> str:
    """Accept text that can be shown on one line."""
    if not text.isprintable() or not text.strip():
        raise WrongValue("must be printable text on one line", "Signet")
    return text


def check_colour(colour: str) -> str:
    """Accept a colour as six hexadecimal digits, or nothing."""
    lower = colour.lower()
    if colour and not COLOUR.fullmatch(lower):
        raise WrongValue("must be a colour as six hexadecimal digits", "#26478f")
    return lower


def check_link(url: str) -> str:
    """Accept the address of a page, or nothing."""
    parts = urlsplit(url)
    is_page = parts.scheme in {"http", "https"} and parts.hostname
    if url and (not is_page or not url.isascii() or not url.isprintable() or any(c in url for c in ' "<>\\')):
        raise WrongValue("must be an http(s) address", "https://example.org/privacy")
    return url


def check_language(tag: str) -> str:
    """Accept a language that there is a catalogue of."""
    if tag not in LANGUAGES:
        raise WrongValue(f"must be one of {', '.join(LANGUAGES)}", "en")
    return tag


def check_domain(domain: str) -> str:
    """Accept the domain of e-mail addresses, in lower case."""
    if not is_host(domain) or is_address(domain) or "." not in domain:
        raise WrongValue("is not a domain of e-mail addresses, in lower case", "example.org")
    return domain


def check_service_url(url: str) -> str:
    """Accept the http(s) URL of a service, or nothing."""
    parts = urlsplit(url) if url.isascii() and url.isprintable() and " " not in url else None
    if url and not (parts and parts.scheme in _DEFAULT_PORTS and is_host(parts.hostname or "") and "@" not in url):
        raise WrongValue("is not the URL of a service", "https://api.pwnedpasswords.com/range")
    return url


def check_mail_host(host: str) -> str:
    """Accept a host name or an address, or nothing."""
    if host and not is_host(host):
        raise WrongValue("must be the name of a mail server", "smtp.example.org")
    return host


def check_mail_address(address: str) -> str:
    """Accept one plain e-mail address in ASCII, or nothing (RFC 5321 §4.1.2)."""
    if address and not _MAIL_ADDRESS.fullmatch(address):
        raise WrongValue("must be one e-mail address", "login@example.org")
    return address
