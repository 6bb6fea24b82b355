"""What never reaches the log: tokens, codes, secrets, cookies, passwords, query strings.

Names decide first (a field called `password` is never shown), then shapes: whatever looks like a JWT, a password hash
or one of our own bearer values is cut out of any text, wherever it stands. What is left is one line of bounded length.
"""

import re
from functools import lru_cache
from typing import Any

HIDDEN = "[redacted]"
# More of a field than this helps nobody, and an attacker must not fill the disk (R18).
LONGEST = 2_000
DEEPEST = 4
# Public values that have the length of a secret one: a key's thumbprint (RFC 7638).
_PUBLIC = frozenset({"kid", "retired_kid", "activated_kid"})
_STRONG = r"[\w-]*(?:password|passwd|secret|cookie|authorization|assertion|verifier|csrf|credential)[\w-]*"
_WEAK = r"(?:\w+[_-])?(?:token|code|handle|hint|nonce|state)"
# Names that end in a word of the above and tell nothing secret.
_HARMLESS = frozenset({"status_code", "exit_code", "error_code"})
_NAMES = re.compile(f"{_STRONG}|{_WEAK}", re.IGNORECASE)
_SHAPES = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}"  # a JWS or JWE
    r"|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"  # one of our 256-bit bearer values
    r"|\$argon2[^\s\"']+"
    r"|\b(?:basic|bearer)\s+[A-Za-z0-9+/=._~-]{8,}"
    r"|(?<=\?)[^\s\"'?]*=[^\s\"']*"  # a query string
    # A value beside its name, as in forms, headers, JSON and the texts of exceptions. The weaker names are words of
    # plain sentences too, so theirs count from six characters on.
    rf"|(?P<strong>(?<![\w-]){_STRONG}[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|(?:(?:basic|bearer)\s+)?[^\s\"',;&}})\]]+)"
    rf"|(?P<weak>(?<!\w){_WEAK}[\"']?\s*[=:]\s*)(?:\"[^\"]{{6,}}\"|'[^']{{6,}}'|[^\s\"',;&}})\]]{{6,}})",
    re.IGNORECASE,
)
# Texts without any of that, as most fields of a line are: too short, or of the wrong characters, for every shape.
_PLAIN = re.compile(r"(?!.*eyj)[A-Za-z0-9_./-]{0,42}", re.IGNORECASE | re.ASCII)
# Control characters, the line and paragraph separators of Unicode, marks that turn the direction of text, and lone
# surrogates: each could start a new line, or make one look like another (HT-28).
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")


def redact(name: str, value: Any) -> Any:
    """Return a field's value as it may be logged; `name` is empty for a text that stands alone."""
    return _redact(name, value, DEEPEST)


def redact_text(text: str) -> str:
    """Return a text on one line, without anything that looks like a secret, cut to a bound."""
    if _PLAIN.fullmatch(text):
        return text
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    # Escaped first, so that a control character cannot break the shape of what is to be found.
    return _SHAPES.sub(_hide, escape(cut))


@lru_cache(maxsize=512)
def redact_name(name: str) -> str:
    """Return the name of a field as it may be logged."""
    return redact_text(name)


def escape(text: str) -> str:
    """Return a text without characters that could forge or disturb a line."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


@lru_cache(maxsize=512)
def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name is never shown."""
    return bool(_NAMES.fullmatch(name)) and name.lower() not in _HARMLESS


def _hide(found: re.Match[str]) -> str:
    return (found["strong"] or found["weak"] or "") + HIDDEN


def _redact(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return escape(value[:LONGEST]) if name in _PUBLIC else redact_text(value)
    if depth and isinstance(value, dict):
        return {redact_name(str(key)): _redact(str(key), inner, depth - 1) for key, inner in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_redact("", inner, depth - 1) for inner in list(value)[:100]]
    return redact_text(str(value))
