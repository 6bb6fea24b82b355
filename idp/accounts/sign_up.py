"""Sign-up: an account begins with a link in a mail, so nobody has one at an address that they do not read.

Until the link's form is sent there is no account, only an artifact bound to one address. The request for a mail looks
nothing up: whether the address is taken is found out when the mail is written, and only its owner is told (LG-03).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.accounts.accounts import create_account, find_account
from idp.accounts.mails import queue_mail
from idp.accounts.names import checked_name
from idp.jose.sealing import KeyEncryptionKey
from idp.randomness import digest, new_handle, new_identifier
from idp.settings import Settings
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Artifact

KIND = "sign_up"
TEMPLATE = "sign_up"
TAKEN_TEMPLATE = "sign_up_taken"
INVITATION_TEMPLATE = "invitation"
PATH = "/sign-up"
FINISH_PATH = "/sign-up/finish"
DAY = 86_400
# As in `recovery`: the answer is out before the work on the mail begins.
PAUSE_SECONDS = 1
# What others would take for the provider itself (RFC 2142, and what administrators are called).
RESERVED = frozenset(
    (
        *("abuse", "admin", "administrator", "help", "hostmaster", "info", "moderator", "noc", "operator"),
        *("postmaster", "root", "security", "staff", "support", "sysadmin", "system", "webmaster"),
    )
)
# Letters of other scripts that look like Latin ones: a name of these alone is a Latin name in disguise (UTS #39 §4).
LOOKALIKES = frozenset("авекмнорстухѕіјѵԁһԛԝӏαβεικνορτυχ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the sign-up page: a link to this address, to go on with this interaction."""

    email: str
    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A link that counts: for which address, with which interaction it goes on and which roles the account
    gets. `is_proved` says that whoever has the link reads the address, for it was mailed there."""

    token_hash: str
    email: str
    flow: str
    roles: tuple[str, ...]
    is_invited: bool
    is_proved: bool


def request_mail(uow: UnitOfWork, vault: KeyEncryptionKey, wish: Wish, now: int, *, language: str) -> None:
    """Have a mail sent to the address: with a link, or to its owner, who has an account already. The same is written
    for each address; it is sealed, for the interaction's handle is a secret. `language` is what whoever asks speaks."""
    sealing_id = new_identifier()
    content = json.dumps({"email": wish.email, "flow": wish.flow}).encode()
    payload = {
        "sealed": vault.seal(content, _purpose(sealing_id)).hex(),
        "sealing_id": sealing_id,
        "language": language,
    }
    queue_mail(uow, TEMPLATE, to="", payload=payload, now=now, due_at=now + PAUSE_SECONDS)


def open_request(vault: KeyEncryptionKey, payload: Mapping[str, Any]) -> Wish:
    """Return what a requested mail is for. Raises `CannotOpen`."""
    return Wish(**json.loads(vault.open(bytes.fromhex(payload["sealed"]), _purpose(payload["sealing_id"]))))


def invite(uow: UnitOfWork, email: str, roles: Iterable[str], now: int) -> None:
    """Have an invitation sent to an address, which was checked."""
    queue_mail(uow, INVITATION_TEMPLATE, to=email, payload={"roles": list(roles)}, now=now)


def issue_link_token(uow: UnitOfWork, vault: KeyEncryptionKey, wish: Wish, now: int, *, seconds: int) -> str:
    """Return a token for the link that somebody asked for."""
    token = new_handle()
    flow = vault.seal(wish.flow.encode(), _purpose(digest(token))).hex()
    _add(uow, token, {"email": wish.email, "flow": flow, "roles": [], "invited": False, "proved": True}, now, seconds)
    return token


def issue_invitation_token(
    uow: UnitOfWork, email: str, roles: Iterable[str], now: int, *, days: int, is_mailed: bool
) -> str:
    """Return a token for an invitation. Only one that is mailed proves that whoever has it reads the address."""
    token = new_handle()
    payload = {"email": email, "flow": "", "roles": list(roles), "invited": True, "proved": is_mailed}
    _add(uow, token, payload, now, days * DAY)
    return token


def find_sign_up(
    uow: UnitOfWork, vault: KeyEncryptionKey, token_hash: str, now: int, settings: Settings
) -> SignUp | None:
    """Return what a token's digest stands for, as long as it counts and the settings still let its owner in. Raises
    `CannotOpen`."""
    found = uow.artifacts.find(KIND, token_hash)
    if found is None or found.consumed_at is not None or found.expires_at <= now:
        return None
    payload = found.payload
    if not settings.sign_up.is_on or not (payload["invited"] or settings.sign_up.admits(payload["email"])):
        return None
    flow = vault.open(bytes.fromhex(payload["flow"]), _purpose(token_hash)).decode() if payload["flow"] else ""
    return SignUp(
        token_hash=token_hash,
        email=payload["email"],
        flow=flow,
        roles=tuple(payload["roles"]),
        is_invited=payload["invited"],
        is_proved=payload["proved"],
    )


def name_fault(uow: UnitOfWork, username: str, product_name: str) -> str | None:
    """Return what is wrong with a user name: `form`, `reserved` or `taken`; None where nothing is."""
    try:
        name = checked_name(username)
    except ValueError:
        return "form"
    # An address as a name would keep its owner from using it; a dot at an end is not seen.
    if "@" in name or name.strip(".") != name or _is_disguised(name):
        return "form"
    if name in RESERVED | {product_name.casefold()}:
        return "reserved"
    return "taken" if find_account(uow, name) else None


def make_account(uow: UnitOfWork, sign_up: SignUp, *, username: str, password_hash: str, now: int) -> Account | None:
    """Spend the link and make the account; None when another request was faster (R4). Raises `Duplicate` when the name
    or the address was taken meanwhile; then the unit of work must be given up, so that the link still counts."""
    if uow.artifacts.consume(KIND, sign_up.token_hash, now) is None:
        return None
    return create_account(
        uow,
        username=username,
        email=sign_up.email,
        claims={"email_verified": sign_up.is_proved},
        roles=sign_up.roles,
        password_hash=password_hash,
        now=now,
    )


def _add(uow: UnitOfWork, token: str, payload: Mapping[str, Any], now: int, seconds: int) -> None:
    expires_at = now + seconds
    uow.artifacts.add(
        Artifact(kind=KIND, handle_hash=digest(token), payload=payload, created_at=now, expires_at=expires_at)
    )


def _is_disguised(name: str) -> bool:
    letters = {character for character in name if character.isalpha()}
    return bool(letters) and letters <= LOOKALIKES


def _purpose(of: str) -> str:
    return f"sign-up {of}"
