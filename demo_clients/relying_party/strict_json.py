"""JSON objects from outside, read so that no second parser could read anything else (RFC 8259 §4, §8; RFC 7493)."""

import json
from typing import Any


class NotStrictJson(ValueError):
    """The octets are no JSON object, or an ambiguous one. The message is fixed text."""


def parse_object(octets: bytes) -> dict[str, Any]:
    """The members of a JSON object. Raises NotStrictJson."""
    try:
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
        # A lone surrogate is a text that cannot be sent on, shown or hashed.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except NotStrictJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictJson("is not JSON") from error
    if not isinstance(value, dict):
        raise NotStrictJson("is not a JSON object")
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two parsers would read two different things (RFC 7515 §4, RFC 8725 §2.4).
        raise NotStrictJson("has a member twice")
    return members


def _refuse_constant(name: str) -> Any:
    raise NotStrictJson(f"has {name}, which is no JSON number")
