"""A sign-in from a browser that an account does not know: its owner is told by mail, and can say that it was somebody
else, which ends whatever that one has got."""

from dataclasses import dataclass

from idp.accounts import browsers
from idp.accounts.accounts import take_access
from idp.accounts.mails import address_of, queue_mail
from idp.accounts.sessions import Sessions
from idp.randomness import digest, new_handle
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Artifact

KIND = "alarm"
TEMPLATE = "new_sign_in"
PATH = "/account/not-me"
# Mails are read late; the link only takes access away.
LINK_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A link that counts: of which account it is, which browser it speaks of, and when that signed in."""

    account: Account
    browser_id: str
    at: int


def tell_of_sign_in(uow: UnitOfWork, account: Account, *, browser_id: str, name: str, address: str, now: int) -> None:
    """Have the account's owner told of a sign-in by a browser, called `name`, from a network address."""
    to = address_of(account)
    if to is not None:
        about = {"at": now, "browser": name, "address": address, "browser_id": browser_id}
        queue_mail(uow, TEMPLATE, to=to, payload={"account_id": account.account_id, **about}, now=now)


def issue_alarm_token(uow: UnitOfWork, account_id: str, browser_id: str, now: int, *, at: int) -> str:
    """Return a token for the link of such a mail, about a sign-in `at` an instant."""
    token = new_handle()
    payload = {"account_id": account_id, "browser_id": browser_id, "at": at}
    expires_at = now + LINK_SECONDS
    uow.artifacts.add(
        Artifact(kind=KIND, handle_hash=digest(token), payload=payload, created_at=now, expires_at=expires_at)
    )
    return token


def find_alarm(uow: UnitOfWork, token_hash: str, now: int) -> Alarm | None:
    """Return what a token's digest stands for, as long as it counts; its account is held."""
    found = uow.artifacts.find(KIND, token_hash)
    if found is None or found.consumed_at is not None or found.expires_at <= now:
        return None
    account = uow.accounts.hold(found.payload["account_id"])
    if account is None or not account.enabled:
        return None
    browser_id, at = found.payload["browser_id"], found.payload.get("at", found.created_at)
    return Alarm(account=account, browser_id=browser_id, at=at)


def raise_alarm(uow: UnitOfWork, sessions: Sessions, alarm: Alarm, token_hash: str, now: int) -> bool:
    """End all sessions, grants and remembered devices, and forget the browser, and those that are known since it came:
    it may have got another handle. False for a link that was used (R4)."""
    if uow.artifacts.consume(KIND, token_hash, now) is None:
        return False
    take_access(uow, sessions, alarm.account.account_id, now)
    uow.authenticators.remove(alarm.account.account_id, alarm.browser_id)
    browsers.forget_known(uow, alarm.account.account_id, since=alarm.at)
    return True


def end_all_others(
    uow: UnitOfWork, sessions: Sessions, account_id: str, now: int, *, session_id: str, handles: tuple[str, ...]
) -> None:
    """End all but one session, all grants and remembered devices, and forget all browsers, for an owner who is here, in
    the browser with these handles. That one stays known: were none left, the next one would be no news."""
    uow.accounts.hold(account_id)
    sessions.end_all(uow, account_id, now, but=session_id)
    uow.grants.revoke_of_account(account_id, now)
    browsers.forget_remembered(uow, account_id)
    here = browsers.find_known(uow, account_id, handles, now)
    browsers.forget_known(uow, account_id, but=here.authenticator_id if here else None)
