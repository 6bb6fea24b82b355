"""Mails to account owners, on their way: each is a message of the outbox, written with what it tells of.

What is stored of a mail is its kind and to whom it goes, never a link: a link is made when the mail is sent, so that
nobody gets one out of the database or a backup, and its time begins with the mail (OP-35).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from idp.languages import best_language
from idp.randomness import new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, OutboxMessage

KIND = "mail"
# Mails belong to no client, and go out one after the other: a slow mail server holds up no notice to a client.
NO_CLIENT = ""

Notice = Literal[
    "password_changed",
    "second_factor_set_up",
    "second_factor_removed",
    "passkey_added",
    "email_changed",
    "account_closed",
    "account_kept",
]


class Unwritable(Exception):
    """A mail that cannot be written: its address is not one single address, or its template is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail to be written: its template, its one recipient, its language, and what it says: of which account, with
    which link or `code`, of which instant (`at`, in the zone `zoneinfo`), and of a sign-in by which browser and from
    which address."""

    template: str
    to: str
    username: str
    language: str
    link: str | None = None
    code: str = ""
    at: int | None = None
    zoneinfo: str | None = None
    browser: str = ""
    address: str = ""


def notify(
    uow: UnitOfWork,
    account: Account,
    kind: Notice,
    now: int,
    *,
    to: str | None = None,
    language: str | None = None,
    at: int | None = None,
) -> None:
    """Let the owner of an account know of a change, at the account's address or another one; `at` is the instant that
    the mail tells. Without an address there is no mail. `language` is what whoever caused it speaks, for an account
    that does not say."""
    address = to or address_of(account)
    if address is not None:
        payload = {"account_id": account.account_id, "language": language, "at": at}
        queue_mail(uow, kind, to=address, payload=payload, now=now)


def queue_mail(
    uow: UnitOfWork, template: str, *, to: str, payload: Mapping[str, Any], now: int, due_at: int = 0
) -> None:
    """Put a mail into the outbox. `payload` must hold nothing that a reader of the database must not have."""
    uow.outbox.add(
        OutboxMessage(
            message_id=new_identifier(),
            kind=KIND,
            client_id=NO_CLIENT,
            destination=to,
            payload={"template": template, **payload},
            created_at=now,
            next_attempt_at=max(now, due_at),
        )
    )


def language_of_mail(account: Account | None, payload: Mapping[str, Any], default: str) -> str:
    """Return the language of a mail: the account's, or else of whoever caused it; an older message does not say."""
    wanted = (account and locale_of(account), payload.get("language"))
    return best_language(tag for tag in wanted if tag) or default


def locale_of(account: Account) -> str | None:
    """Return the language that the owner of an account has said to speak, as a tag; untrusted."""
    locale = account.claims.get("locale")
    return locale if isinstance(locale, str) else None


def address_of(account: Account) -> str | None:
    """Return where mails to an account go: to the stored address, however it was written by who asked (LG-31)."""
    address = account.claims.get("email")
    return str(address) if address else None
