"""What never reaches the log: tokens, codes, secrets, cookies, passwords, query strings.

Names decide first (a field called `password` is never shown), then shapes: whatever looks like a JWT or one of our own
bearer values is cut out of any text, wherever it stands.
"""

import re
from typing import Any

HIDDEN = "[redacted]"
# More of a field than this helps nobody (JO-21), and an attacker must not fill the disk.
LONGEST = 2_000
NAMES = re.compile(
    r"(?i)(password|secret|cookie|authorization|assertion|verifier|csrf|(^|_)(token|code|handle|hint|nonce|state)$)"
)
SHAPES = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){1,4}"  # a JWS or JWE
    r"|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"  # one of our 256-bit bearer values
    r"|\$argon2[^\s\"']+"
    r"|(?i:(?:basic|bearer)\s+[A-Za-z0-9+/=._~-]{8,})"
    r"|\?[^\s\"']+=[^\s\"']*"  # a query string
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def redact_text(text: str) -> str:
    """Return the text without anything that looks like a secret, cut to a bound, on one line."""
    return CONTROL.sub(lambda c: f"\\x{ord(c.group()):02x}", SHAPES.sub(HIDDEN, text[:LONGEST]))


def redact(name: str, value: Any) -> Any:
    """Return a field's value as it may be logged."""
    if NAMES.search(name):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {redact_text(str(key)): redact(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [redact("", inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else redact_text(str(value))
