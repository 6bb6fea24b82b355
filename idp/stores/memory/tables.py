"""The tables: all records by their keys, what may be kept in them, and when they are swept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from idp.stores.interfaces import Duplicate, NotWritable
from idp.stores.records import (
    Account,
    Artifact,
    AuditEvent,
    Authenticator,
    Client,
    Consent,
    Credential,
    Grant,
    OutboxMessage,
    PairwiseSubject,
    RefreshToken,
    Resource,
    Session,
    SigningKey,
    Throttle,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


K = TypeVar("K")


R = TypeVar("R", bound="DataclassInstance")


DAY = 86_400


class ReadOnly(dict[Any, Any]):
    """A table in a snapshot: a change raises `NotWritable`, as it does in a database."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise NotWritable("a snapshot is only read")

    __setitem__ = __delitem__ = __ior__ = pop = _refuse


@dataclass
class Tables:
    """All records by their keys."""

    accounts: dict[str, Account] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    credentials: dict[tuple[str, str], Credential] = field(default_factory=dict)
    authenticators: dict[str, Authenticator] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], Artifact] = field(default_factory=dict)
    signing_keys: dict[str, SigningKey] = field(default_factory=dict)
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)
    subjects: dict[tuple[str, str], PairwiseSubject] = field(default_factory=dict)
    throttles: dict[str, Throttle] = field(default_factory=dict)
    outbox: dict[str, OutboxMessage] = field(default_factory=dict)
    audit: dict[str, AuditEvent] = field(default_factory=dict)

    def copy(self, kind: type[dict[Any, Any]] = dict) -> "Tables":
        """Return tables that can change without these changing."""
        return Tables(**{each.name: kind(getattr(self, each.name)) for each in fields(self)})


def kept(record: R) -> R:
    """Return a record as a database would give it back: JSON only, and nothing that the caller can change afterwards.

    Raises `UnicodeEncodeError` for text and `OverflowError` for integers that cannot be stored.
    """
    changes: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise OverflowError("an integer has more than 64 bits")
        elif isinstance(value, Mapping):
            changes[each.name] = json.loads(json.dumps(dict(value)))
    return replace(record, **changes)


def _check_text(text: str) -> None:
    text.encode()
    if "\0" in text:
        raise UnicodeEncodeError("utf-8", text, text.index("\0"), text.index("\0") + 1, "no database keeps NUL")


def insert(table: dict[K, R], key: K, field_name: str, record: R) -> None:
    """Keep a new record. Raises `Duplicate` if its key is taken."""
    if key in table:
        raise Duplicate(field_name)
    table[key] = kept(record)


def storable(text: str) -> str:
    """Return a text for people with what cannot be stored written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def first_of(instants: tuple[int | None, ...]) -> float:
    """Return the first of these instants; one that has not come yet is None."""
    return min((at for at in instants if at is not None), default=float("inf"))


def grant_ends(tables: Tables, grant_id: str) -> tuple[int | None, ...]:
    """Return the instants that end a grant."""
    grant = tables.grants[grant_id]
    return (grant.expires_at, grant.revoked_at)


def has_tokens(tables: Tables, grant_id: str) -> bool:
    """Tell whether refresh tokens of a grant are left."""
    return any(token.grant_id == grant_id for token in tables.refresh_tokens.values())


# Which records are swept, how long after which instants. Spent refresh tokens stay as long as their grant, so that a
# late replay still ends the family (RFC 9700 §4.14.2).
KEPT: tuple[tuple[str, int, Callable[[Any, Tables], tuple[int | None, ...]]], ...] = (
    ("artifacts", DAY, lambda r, _: (r.expires_at,)),
    ("refresh_tokens", DAY, lambda r, t: grant_ends(t, r.grant_id) if r.grant_id in t.grants else ()),
    ("sessions", DAY, lambda r, _: (r.expires_at, r.ended_at)),
    ("grants", DAY, lambda r, t: () if has_tokens(t, r.grant_id) else grant_ends(t, r.grant_id)),
    ("throttles", DAY, lambda r, _: (r.window_started_at,)),
    ("outbox", 7 * DAY, lambda r, _: (r.delivered_at, r.failed_at)),
    ("audit", 365 * DAY, lambda r, _: (r.at,)),
)
