"""The cookies: the browser's own id, the handles of its sessions, those by which accounts know it again, what scripts
may know of its sessions, and the language.

Over https they are `__Host-` cookies: no sibling host can set them, none is sent anywhere else (RFC 6265bis §4.1.3).
Over plain http, in development, they carry neither prefix nor `Secure`, for some browsers would drop them.

The last one is written for the frame of Session Management, which stands in a client's page: hence its own attributes
(Session Management §3.2). It is never read here.
"""

import re
from dataclasses import replace

from idp.accounts.browsers import KNOWN_SECONDS, MOST_HANDLES
from idp.languages import LANGUAGES
from idp.protocol.messages import Browser, LanguageChoice

# 43 characters of base64url each; more sessions than this in one browser push out the oldest.
HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")
# The tag, and the instant at which it was chosen.
LANGUAGE = re.compile(r"([A-Za-z-]{2,12})\.([0-9]{1,12})")
MOST_SESSIONS = 5
BROWSER_SECONDS = 365 * 24 * 3600
LONGEST_HEADER = 8_192
# What a request without a cookie says, as every one of a program does.
NOBODY = Browser()


class Cookies:
    """Reads and writes the cookies of one issuer."""

    def __init__(self, *, secure: bool, remembered_seconds: int) -> None:
        prefix = "__Host-" if secure else ""
        self.browser_name = f"{prefix}signet_browser"
        self.sessions_name = f"{prefix}signet_sessions"
        self.devices_name = f"{prefix}signet_devices"
        self.state_name = f"{prefix}signet_state"
        self.language_name = f"{prefix}signet_language"
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
        # Browsers take SameSite=None only together with Secure.
        self._state_attributes = "; Path=/" + ("; SameSite=None; Secure" if secure else "; SameSite=Lax")
        self._remembered_seconds = remembered_seconds

    def read(self, headers: list[str]) -> Browser:
        """Return what the Cookie headers say; whatever is malformed, doubled or too long counts as absent."""
        if not headers:
            return NOBODY
        names = (self.browser_name, self.sessions_name, self.devices_name, self.language_name)
        found: dict[str, list[str]] = {name: [] for name in names}
        for header in headers:
            for pair in header[:LONGEST_HEADER].split(";"):
                name, _, value = pair.strip().partition("=")
                if name in found:
                    found[name].append(value)
        browser_id = _only(found[self.browser_name])
        return Browser(
            browser_id=browser_id if browser_id and HANDLE.fullmatch(browser_id) else None,
            session_handles=_handles(found[self.sessions_name])[:MOST_SESSIONS],
            device_handles=_handles(found[self.devices_name])[:MOST_HANDLES],
            language=_language(_only(found[self.language_name])),
        )

    def write_language(self, choice: LanguageChoice) -> str:
        """Return the Set-Cookie header that keeps a choice of language."""
        value = f"{choice.tag}.{choice.chosen_at}"
        return f"{self.language_name}={value}{self._attributes}; Max-Age={BROWSER_SECONDS}"

    def write(self, browser: Browser) -> list[str]:
        """Return the Set-Cookie headers that make a browser say this."""
        browser = replace(browser, session_handles=browser.session_handles[:MOST_SESSIONS])
        headers = []
        if browser.browser_id is not None:
            headers.append(f"{self.browser_name}={browser.browser_id}{self._attributes}; Max-Age={BROWSER_SECONDS}")
        if browser.device_handles:
            devices = ".".join(browser.device_handles)
            headers.append(f"{self.devices_name}={devices}{self._attributes}; Max-Age={KNOWN_SECONDS}")
        sessions, state, lifetime = ".".join(browser.session_handles), browser.state, ""
        if not browser.session_handles:
            lifetime = "; Max-Age=0"
        elif browser.remembered:
            lifetime = f"; Max-Age={self._remembered_seconds}"
        headers.append(f"{self.sessions_name}={sessions}{self._attributes}{lifetime}")
        headers.append(f"{self.state_name}={state}{self._state_attributes}{lifetime}")
        return headers


def _handles(values: list[str]) -> tuple[str, ...]:
    return tuple(handle for handle in (_only(values) or "").split(".") if HANDLE.fullmatch(handle))


def _language(value: str | None) -> LanguageChoice | None:
    found = LANGUAGE.fullmatch(value or "")
    return LanguageChoice(found[1], int(found[2])) if found and found[1] in LANGUAGES else None


def _only(values: list[str]) -> str | None:
    """A cookie that comes twice was planted by someone: trust neither."""
    return values[0] if len(values) == 1 else None
