"""What passed between browser, relying party and provider, step by step, to be shown on a page.

Parameters are the real ones; those that are worth stealing are cut to their beginning before they are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

MAX_STEPS = 40

_SECRET_PARAMETERS = frozenset(
    {"code", "state", "nonce", "code_verifier", "code_challenge", "logout_token"}
    | {"access_token", "refresh_token", "id_token", "id_token_hint"}
)
_SHOWN_CHARS = 6
_MAX_VALUE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One message: who sent it to whom, what it was, and its parameters as (name, masked value)."""

    at: int
    sender: str
    receiver: str
    what: str
    parameters: tuple[tuple[str, str], ...] = ()


def step(at: int, sender: str, receiver: str, what: str, parameters: Iterable[tuple[str, str]] = ()) -> Step:
    """A step with its secret parameters masked."""
    return Step(at, sender, receiver, what, tuple((name, _masked(name, value)) for name, value in parameters))


def query_of(url: str) -> list[tuple[str, str]]:
    """The query parameters of a URL in order, repeated ones included."""
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def _masked(name: str, value: str) -> str:
    if name in _SECRET_PARAMETERS:
        return f"{value[:_SHOWN_CHARS]}… ({len(value)} characters)"
    return value if len(value) <= _MAX_VALUE_CHARS else f"{value[:_MAX_VALUE_CHARS]}…"
