"""JWS Compact Serialization (RFC 7515 §7.1) and the JSON in it, read strictly: one text for one value.

Everything that lenient parsers disagree about is refused: padding, other alphabets, loose trailing bits, duplicate
members, deep nesting, numbers that JSON does not know, encodings other than UTF-8.
"""

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

# Ours are below 2 KiB; what is larger is refused before any work is done.
MAX_TOKEN_CHARACTERS = 16 * 1024

# Far more than a token of ours has, far less than the interpreter's recursion limit.
_MOST_BRACKETS = 200

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
# RFC 4648 §5.
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


class InvalidToken(Exception):
    """A token that does not count. `reason` is for logs and developers and never echoes the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CompactJws:
    """A JWS taken apart; nothing in it is verified."""

    header: dict[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes


def parse_compact(token: str) -> CompactJws:
    """Take a token of unknown origin apart. Raises `InvalidToken`."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidToken("the token is too long")
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise InvalidToken("the token is not three base64url parts, RFC 7515 §7.1")
    header, payload, signature = match.groups()
    return CompactJws(
        header=parse_object(decode_base64url(header), "header"),
        payload=decode_base64url(payload),
        signing_input=token[: match.end(2)].encode("ascii"),
        signature=decode_base64url(signature),
    )


def encode_object(value: Mapping[str, Any]) -> bytes:
    """Return a header or payload as a part of a token. Raises TypeError or ValueError for what is not JSON (NaN
    included)."""
    return encode_base64url(_encode(value).encode("ascii"))


def encode_base64url(octets: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 §2)."""
    return binascii.b2a_base64(octets, newline=False).translate(_TO_URL).rstrip(b"=")


def decode_base64url(text: str) -> bytes:
    """Return the octets that only this text spells (RFC 4648 §3.5). Raises `InvalidToken`."""
    spelled = text.encode("ascii", "replace")
    try:
        octets = binascii.a2b_base64(spelled.translate(_FROM_URL) + b"=" * (-len(spelled) % 4))
    except binascii.Error:
        raise InvalidToken("a part is not base64url") from None
    # Loose trailing bits would give one token many spellings, RFC 4648 §12; so would characters that are skipped.
    if encode_base64url(octets) != spelled:
        raise InvalidToken("a part is not canonical base64url")
    return octets


def parse_object(octets: bytes, part: str) -> dict[str, Any]:
    """Return the JSON object that is the whole of `octets`; `part` names it in reasons. Raises `InvalidToken`."""
    value = _parse_json(octets, part)
    if not isinstance(value, dict):
        raise InvalidToken(f"the {part} is not a JSON object")
    return value


def parse_strings(octets: bytes, part: str) -> list[str]:
    """Return the JSON list of strings that is the whole of `octets`, as `parse_object` does."""
    value = _parse_json(octets, part)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidToken(f"the {part} is not a JSON list of strings")
    return value


def _parse_json(octets: bytes, part: str) -> Any:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidToken(f"the {part} is not UTF-8") from None
    # Counted, not parsed: nesting of thousands would exhaust the stack.
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        raise InvalidToken(f"the {part} has too many brackets")
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise InvalidToken(f"the {part} is not strict JSON") from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two parsers could take different ones of two values, RFC 7519 §4.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
