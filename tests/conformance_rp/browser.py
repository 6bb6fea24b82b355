"""A browser without a screen: it keeps cookies, follows redirects, and reads the Shop's pages."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx2

from tests.conformance_rp.surroundings import Surroundings

_TIMEOUT_SECONDS = 30.0
_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser arrived, and by which addresses."""

    status: int
    url: str
    text: str
    location: str
    visited: tuple[str, ...]

    def element(self, element_id: str) -> str:
        """The text of the element of that id; empty if there is none."""
        found = re.search(rf'<[^>]* id="{element_id}"[^>]*>([^<]*)<', self.text)
        return html.unescape(found.group(1)).strip() if found else ""

    def field(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        return html.unescape(found.group(1)) if found else ""

    @property
    def summary(self) -> str:
        """The page in one line, for a report; no query, since there are codes in it."""
        said = ": ".join(filter(None, (self.element("reason") or self.element("notice"), self.element("detail"))))
        return f"{self.status} {urlsplit(self.url).path}" + (f" ({said})" if said else "")


class Browser:
    """One person's browser. `site` is the Shop."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.site = surroundings.shop
        self._http = httpx2.Client(
            verify=surroundings.trust(), timeout=_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def visit(self, path: str, *, follow: bool = True, headers: Mapping[str, str] | None = None) -> Page:
        """Go to an address of the Shop and, unless told otherwise, wherever it leads."""
        return self._arrive(self._http.get(self.site + path, headers=dict(headers or {})), follow)

    def submit(self, path: str, fields: Mapping[str, str]) -> Page:
        """Send a form of the Shop and go where it leads."""
        return self._arrive(self._http.post(self.site + path, data=dict(fields)), follow=True)

    def _arrive(self, response: httpx2.Response, follow: bool) -> Page:
        visited = [str(response.url)]
        while follow and response.status_code in _REDIRECTS and len(visited) <= _MAX_REDIRECTS:
            response = self._http.get(urljoin(visited[-1], response.headers["location"]))
            visited.append(str(response.url))
        location = response.headers.get("location", "")
        return Page(response.status_code, visited[-1], response.text, location, tuple(visited))
