"""URLs of other parties, read strictly: one reading only, so that what is judged is what is connected to."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from idp.outbound.failures import OutboundRefused

# RFC 3986 §2: no other character is part of a URL. The backslash, which some parsers take for a slash, is none.
_URL = re.compile(r"[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~%-]{1,2048}")
_HOST = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is lower case, an IPv6 address without brackets; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The `Host` of the request (RFC 9110 §7.2): the host, in brackets where it is an IPv6 address, and any port
        but the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, *, allow_http: bool) -> Target:
    """Return the parts of an absolute https URL, or http one if `allow_http`. Raises `OutboundRefused`."""
    if not _URL.fullmatch(url):
        raise OutboundRefused("the URL is not one")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundRefused("the URL is not one") from None
    if parts.scheme not in (_DEFAULT_PORTS if allow_http else ("https",)):
        raise OutboundRefused("the URL is not https")
    if "@" in parts.netloc:
        raise OutboundRefused("the URL has user information")
    if parts.fragment or "#" in url:
        raise OutboundRefused("the URL has a fragment")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or port == 0:
        raise OutboundRefused("the URL has no proper host and port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], path)
