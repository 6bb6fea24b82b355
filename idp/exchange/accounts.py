"""Accounts as records: `sub` is kept, so that clients know the same person; without one a new one is made."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.accounts import PASSWORD, draft_account, find_account, set_password, take_access
from idp.accounts.audit import record
from idp.accounts.names import canonical_name
from idp.exchange.outcome import Importing, Outcome, Wrong, check_members
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Account, Credential

MEMBERS: Mapping[str, type] = {
    "kind": str,
    "sub": str,
    "username": str,
    "email": str,
    "claims": dict,
    "roles": list,
    "enabled": bool,
    "password_hash": str,
}
# OIDC Core §2: at most 255 ASCII characters.
SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
PASSWORD_HASH = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,2})\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)
# Whoever signs in pays for the parameters of their hash, and so do we: 1 GiB, passes, lanes (R18).
MOST = (1_048_576, 100, 64)
# Changes with every change of the account, so it would make two equal accounts differ.
UPDATED_AT = "updated_at"


def describe_account(uow: UnitOfWork, account: Account, *, secrets: bool) -> dict[str, Any]:
    """Return an account as a record; with its password's hash if secrets are wanted."""
    claims = {name: value for name, value in account.claims.items() if name != UPDATED_AT}
    described: dict[str, Any] = {"kind": "account", "sub": account.account_id, "username": account.username}
    if canonical_name(str(claims.get("email", ""))) in account.names:
        described["email"] = claims.pop("email")
    described |= {"claims": claims, "roles": list(account.roles), "enabled": account.enabled}
    credential = uow.accounts.find_credential(account.account_id, PASSWORD) if secrets else None
    return described | ({"password_hash": credential.secret} if credential else {})


def import_account(uow: UnitOfWork, given: Mapping[str, Any], importing: Importing) -> Outcome:
    """Make or change the account that a record describes. Raises `Wrong`, ValueError."""
    check_members(given, MEMBERS, ("username",))
    if not all(isinstance(role, str) for role in given.get("roles", ())):
        raise Wrong("roles must be a list of texts")
    subject, password_hash = given.get("sub"), given.get("password_hash")
    if subject is not None and not SUBJECT.fullmatch(subject):
        raise Wrong("sub must be 1 to 255 printable ASCII characters without spaces")
    if password_hash is not None:
        _check_hash(password_hash)
    known = uow.accounts.find(subject) if subject is not None else find_account(uow, given["username"])
    try:
        if known is None:
            return _make(uow, given, importing)
        return _change(uow, known, given, importing)
    except Duplicate:
        raise Wrong("the user name or e-mail address is another account's") from None


def _draft(given: Mapping[str, Any], account_id: str | None, now: int) -> Account:
    return draft_account(
        account_id=account_id,
        username=given["username"],
        email=given.get("email"),
        claims=given.get("claims"),
        roles=tuple(given.get("roles", ())),
        now=now,
    )


def _make(uow: UnitOfWork, given: Mapping[str, Any], importing: Importing) -> Outcome:
    account = replace(_draft(given, given.get("sub"), importing.now), enabled=given.get("enabled", True))
    uow.accounts.add(account)
    if "password_hash" in given:
        hashed, now = given["password_hash"], importing.now
        uow.accounts.put_credential(
            Credential(account_id=account.account_id, method=PASSWORD, secret=hashed, created_at=now, updated_at=now)
        )
    record(uow, "account.imported", now=importing.now, account_id=account.account_id, outcome="made")
    return "made"


def _change(uow: UnitOfWork, known: Account, given: Mapping[str, Any], importing: Importing) -> Outcome:
    known = uow.accounts.hold(known.account_id) or known
    wanted = replace(
        _draft(given, known.account_id, importing.now),
        enabled=given.get("enabled", known.enabled),
        created_at=known.created_at,
        delete_at=known.delete_at,
    )
    hashed = given.get("password_hash")
    credential = uow.accounts.find_credential(known.account_id, PASSWORD)
    differences = {
        "username": wanted.username != known.username,
        "email": set(wanted.names) != set(known.names),
        "claims": _without_instant(wanted) != _without_instant(known),
        "roles": wanted.roles != known.roles,
        "enabled": wanted.enabled != known.enabled,
        "password_hash": hashed is not None and (credential is None or credential.secret != hashed),
    }
    if not any(differences.values()):
        return "unchanged"
    if not importing.may_replace(f"the account {known.username!r}", differences):
        return "skipped"
    uow.accounts.replace(wanted)
    if differences["password_hash"] and hashed is not None:
        set_password(uow, importing.sessions, wanted, hashed, importing.now)
    if not wanted.enabled:
        take_access(uow, importing.sessions, wanted.account_id, importing.now)
    record(uow, "account.imported", now=importing.now, account_id=wanted.account_id, outcome="changed")
    return "changed"


def _without_instant(account: Account) -> dict[str, Any]:
    return {name: value for name, value in account.claims.items() if name != UPDATED_AT}


def _check_hash(text: str) -> None:
    found = PASSWORD_HASH.fullmatch(text)
    if found is None:
        raise Wrong("password_hash must be an encoded Argon2id hash: $argon2id$v=19$m=…,t=…,p=…$salt$hash")
    if any(int(value) > most for value, most in zip(found.groups(), MOST, strict=True)):
        raise Wrong(f"password_hash costs too much to verify; at most m={MOST[0]},t={MOST[1]},p={MOST[2]}")
