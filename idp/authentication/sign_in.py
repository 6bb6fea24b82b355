"""Sign-in by name and password: the same answer after the same work, whatever was wrong (R11)."""

from dataclasses import dataclass, field, replace

from idp.accounts.accounts import PASSWORD, find_account
from idp.accounts.audit import Origin, record
from idp.accounts.browsers import find_known
from idp.authentication.methods import AMR
from idp.authentication.methods.password import Passwords, Verified
from idp.authentication.throttle import Throttling
from idp.clock import Clock
from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import Account, Credential


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The account proved itself by this credential; `amr` says how (RFC 8176)."""

    account: Account
    amr: tuple[str, ...]
    credential: Credential = field(repr=False)

    def still_holds(self, uow: UnitOfWork) -> bool:
        """Tell whether account and credential are unchanged: to be asked in the unit of work that uses the proof, for a
        password may be changed or the account disabled between the two (R7)."""
        # Held until the session is there, so that a change of the password ends that one too.
        account = uow.accounts.hold(self.account.account_id)
        return account is not None and account.enabled and _password_of(uow, account) == self.credential


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something did not match; what, nobody is told."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Too many tries; nothing was judged."""

    retry_after_seconds: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One try: by which name, from where, and which of the account's known browsers it came from, if it did."""

    name: str
    origin: Origin
    browser: str | None


def note_failure(uow: UnitOfWork, throttle: Throttling, origin: Origin, now: int) -> None:
    """Count a failed sign-in among those of everybody, and tell when they became too many."""
    if throttle.sign_in_failed(uow, now):
        record(uow, "sign_in.braked", now=now, result="throttled", origin=origin)


class SignIn:
    """Verifies name and password. Argon2id runs between two units of work, never inside one."""

    def __init__(self, storage: Storage, clock: Clock, passwords: Passwords, throttle: Throttling) -> None:
        self._storage, self._clock = storage, clock
        self._passwords, self._throttle = passwords, throttle

    def attempt(
        self, *, name: str, password: str, origin: Origin, devices: tuple[str, ...] = ()
    ) -> Authenticated | Rejected | Paused:
        """Judge one try, by a browser that accounts know by the handles `devices`. Writes the counters, an audit event,
        and a new hash when the parameters have changed. Raises MemoryError, and counts nothing, when there is no room
        for Argon2id."""
        now = self._clock.now()
        with self._storage.begin() as uow:
            account = find_account(uow, name)
            # Looked up for nobody as well: it must take as long (R11).
            known = find_known(uow, account.account_id if account else "", devices, now)
            tried = Tried(name, origin, known.authenticator_id if known else None)
            wait = self._throttle.count_sign_in(uow, name, origin.address, now, browser=tried.browser)
            if wait is not None:
                account_id = account.account_id if account else None
                record(uow, "sign_in.paused", now=now, result="throttled", origin=origin, account_id=account_id)
                return Paused(wait)
            credential = _password_of(uow, account)
        while True:
            try:
                verified = self._passwords.verify(credential.secret if credential else None, password)
                fresh = self._passwords.hash(password) if verified.ok and verified.needs_rehash else None
            except MemoryError:
                with self._storage.begin() as uow:
                    self._throttle.sign_in_not_judged(uow, name, origin.address, browser=tried.browser)
                raise
            with self._storage.begin() as uow:
                current = uow.accounts.hold(account.account_id) if account else None
                newer = _password_of(uow, current)
                # Set or rehashed by someone else while Argon2id was at work: only the newer state counts (R7).
                if newer == credential or not verified.ok:
                    return self._conclude(uow, tried, current, credential, verified, fresh)
            credential = newer

    def _conclude(
        self,
        uow: UnitOfWork,
        tried: Tried,
        account: Account | None,
        credential: Credential | None,
        verified: Verified,
        fresh: str | None,
    ) -> Authenticated | Rejected:
        now, origin = self._clock.now(), tried.origin
        if not verified.ok or account is None or not account.may_sign_in(now) or credential is None:
            account_id = account.account_id if account else None
            record(uow, "sign_in.failed", now=now, result="rejected", origin=origin, account_id=account_id)
            note_failure(uow, self._throttle, origin, now)
            return Rejected()
        if fresh is not None:
            credential = replace(credential, secret=fresh, updated_at=now)
            uow.accounts.put_credential(credential)
        self._throttle.sign_in_succeeded(uow, tried.name, origin.address, now, browser=tried.browser)
        record(uow, "sign_in.ok", now=now, origin=origin, account_id=account.account_id)
        return Authenticated(account, (AMR[PASSWORD],), credential)


def _password_of(uow: UnitOfWork, account: Account | None) -> Credential | None:
    return uow.accounts.find_credential(account.account_id, PASSWORD) if account else None
