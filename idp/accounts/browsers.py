"""The browsers that an account was signed in by: known ones, from which a sign-in is no news, and remembered ones, in
which its owner is not asked for a second factor for a while.

A browser has one handle for each account, in a cookie of its own; its digest is the authenticator's id. So a handle is
of no use to another account (SS-21), and cannot be found in the database. One that is to be remembered gets a new one:
an older value may have been planted (R16).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.randomness import digest, new_handle
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Authenticator

KNOWN, REMEMBERED = "known_browser", "remembered_device"
# As long as the cookie lives, since the last sign-in.
KNOWN_SECONDS = 365 * 86_400
# More than any person has; the one that was not used for the longest time gives way (R18).
MOST = 20
# Accounts of one browser.
MOST_HANDLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A sign-in in a browser: the `handles` that it has from now on, the id of this account's there, and whether it is
    `new` to an account that knows others."""

    handles: tuple[str, ...]
    browser_id: str
    new: bool


def find_known(uow: UnitOfWork, account_id: str, handles: Iterable[str], now: int) -> Authenticator | None:
    """Return the account's record of the browser that has these handles."""
    found = (uow.authenticators.find(_id(KNOWN, handle)) for handle in handles)
    return next((each for each in found if each and each.account_id == account_id and not _is_over(each, now)), None)


def is_remembered(uow: UnitOfWork, account_id: str, handles: Iterable[str], now: int, *, days: int) -> bool:
    """Tell whether the account's owner had the browser with these handles remembered at most so many days ago."""
    found = (uow.authenticators.find(_id(REMEMBERED, handle)) for handle in handles)
    return any(each and each.account_id == account_id and _lasts(each, now, days) for each in found)


def meet(
    uow: UnitOfWork, account_id: str, handles: tuple[str, ...], *, name: str, now: int, remember: bool = False
) -> Meeting:
    """Note a sign-in, and have the browser remembered if that is wished. The account is held."""
    known = find_known(uow, account_id, handles, now)
    if known is not None and not remember:
        uow.authenticators.touch(known.authenticator_id, now)
        return Meeting(handles=handles, browser_id=known.authenticator_id, new=False)
    others = _make_room(uow, account_id, known, now)
    handle = new_handle()
    for method in (KNOWN, REMEMBERED) if remember else (KNOWN,):
        record = Authenticator(
            authenticator_id=_id(method, handle),
            account_id=account_id,
            method=method,
            name=name,
            secret="",
            created_at=now,
            last_used_at=now,
        )
        uow.authenticators.add(record)
    kept = [each for each in handles if known is None or _id(KNOWN, each) != known.authenticator_id]
    return Meeting(
        handles=(handle, *kept)[:MOST_HANDLES],
        browser_id=_id(KNOWN, handle),
        new=known is None and others > 0,
    )


def remembered(uow: UnitOfWork, account_id: str, now: int, *, days: int) -> tuple[Authenticator, ...]:
    """Return the browsers that are remembered, the newest first."""
    found = [each for each in uow.authenticators.list(account_id) if each.method == REMEMBERED]
    return tuple(reversed([each for each in found if _lasts(each, now, days)]))


def forget_remembered(uow: UnitOfWork, account_id: str) -> int:
    """Let every browser be asked for the second factor again; return how many there were."""
    return uow.authenticators.remove_all(account_id, REMEMBERED)


def forget_known(uow: UnitOfWork, account_id: str, *, since: int = 0, but: str | None = None) -> None:
    """Forget the browsers that an account has known since an instant, all but the one with this id."""
    for each in uow.authenticators.list(account_id):
        if each.method == KNOWN and each.created_at >= since and each.authenticator_id != but:
            uow.authenticators.remove(account_id, each.authenticator_id)


def _make_room(uow: UnitOfWork, account_id: str, replaced: Authenticator | None, now: int) -> int:
    """Remove what is over, what is replaced, and what is too much; return how many known browsers are left."""
    left = {KNOWN: 0, REMEMBERED: 0}
    for each in sorted(uow.authenticators.list(account_id), key=lambda each: -(each.last_used_at or 0)):
        if each.method not in left:
            continue
        if _is_over(each, now) or each == replaced or left[each.method] == MOST - 1:
            uow.authenticators.remove(account_id, each.authenticator_id)
        else:
            left[each.method] += 1
    return left[KNOWN]


def _is_over(each: Authenticator, now: int) -> bool:
    return (each.last_used_at or each.created_at) + KNOWN_SECONDS <= now


def _lasts(each: Authenticator, now: int, days: int) -> bool:
    return now < each.created_at + days * 86_400


def _id(method: str, handle: str) -> str:
    return digest(f"{method}\n{handle}")
