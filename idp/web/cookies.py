"""The two cookies: the browser's own id, and the handles of its sessions.

Over https they are `__Host-` cookies: no sibling host can set them, none is sent anywhere else (RFC 6265bis §4.1.3).
Over plain http, in development, they carry neither prefix nor `Secure`, for some browsers would drop them.
"""

import re

from idp.protocol.messages import Browser

# 43 characters of base64url each; more sessions than this in one browser push out the oldest.
HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")
MOST_SESSIONS = 5
BROWSER_SECONDS = 365 * 24 * 3600
LONGEST_HEADER = 8_192


class Cookies:
    """Reads and writes the cookies of one issuer."""

    def __init__(self, *, secure: bool, remembered_seconds: int) -> None:
        prefix = "__Host-" if secure else ""
        self.browser_name = f"{prefix}signet_browser"
        self.sessions_name = f"{prefix}signet_sessions"
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
        self._remembered_seconds = remembered_seconds

    def read(self, headers: list[str]) -> Browser:
        """Return what the Cookie headers say; whatever is malformed, doubled or too long counts as absent."""
        found: dict[str, list[str]] = {self.browser_name: [], self.sessions_name: []}
        for header in headers:
            for pair in header[:LONGEST_HEADER].split(";"):
                name, _, value = pair.strip().partition("=")
                if name in found:
                    found[name].append(value)
        browser_id = _only(found[self.browser_name])
        handles = (_only(found[self.sessions_name]) or "").split(".")
        return Browser(
            browser_id=browser_id if browser_id and HANDLE.fullmatch(browser_id) else None,
            session_handles=tuple(handle for handle in handles if HANDLE.fullmatch(handle))[:MOST_SESSIONS],
        )

    def write(self, browser: Browser) -> list[str]:
        """Return the Set-Cookie headers that make a browser say this."""
        headers = []
        if browser.browser_id is not None:
            headers.append(self._set(self.browser_name, browser.browser_id, BROWSER_SECONDS))
        if browser.session_handles:
            value = ".".join(browser.session_handles[:MOST_SESSIONS])
            headers.append(
                self._set(self.sessions_name, value, self._remembered_seconds if browser.remembered else None)
            )
        else:
            headers.append(self._set(self.sessions_name, "", 0))
        return headers

    def _set(self, name: str, value: str, max_age_seconds: int | None) -> str:
        lifetime = "" if max_age_seconds is None else f"; Max-Age={max_age_seconds}"
        return f"{name}={value}{self._attributes}{lifetime}"


def _only(values: list[str]) -> str | None:
    """A cookie that comes twice was planted by someone: trust neither."""
    return values[0] if len(values) == 1 else None
