"""Throttling (R12): how often one may try, counted in the store, so over all sessions, instances and restarts.

A try is counted before it is judged, so parallel guesses cannot slip through. Windows end by themselves: nobody can be
locked out for good.
"""

import ipaddress

from idp.accounts.names import canonical_name
from idp.randomness import digest
from idp.settings import Throttle as Limits
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Throttle

HOUR = 3_600
# By how much an address may do less while too many sign-ins fail.
BRAKED = 10


class Throttling:
    """Counts tries against the limits of the settings."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def count_sign_in(
        self, uow: UnitOfWork, name: str, address: str, now: int, *, browser: str | None = None
    ) -> int | None:
        """Count a sign-in, for known and unknown names alike; return the seconds to wait, None when it may go on.

        An address that is paused counts against no name: it is not judged, and could only lock others out (LG-10). A
        `browser` that the account was signed in by before has tries of its own, which nobody else can use up."""
        limits = self._limits
        if browser is not None:
            of_browser = uow.throttles.hit(_browser_key(browser), now, limits.window_seconds)
            return self._wait(of_browser, limits.per_account, now) or None
        wait = self.count_address(uow, address, now)
        if wait is not None:
            return wait
        of_account = uow.throttles.hit(_account_key(name), now, limits.window_seconds)
        return self._wait(of_account, limits.per_account, now) or None

    def count_address(self, uow: UnitOfWork, address: str, now: int) -> int | None:
        """Count a sign-in that names nobody, such as one by passkey; return the seconds to wait, None when it may go
        on. While too many sign-ins of everybody fail, an address has a tenth of its tries: credentials that are stuffed
        come from many, and each can do less."""
        limits = self._limits
        of_address = uow.throttles.hit(_address_key("address", address), now, limits.window_seconds)
        allowed = limits.per_address
        if of_address.count > allowed // BRAKED and self._is_braked(uow, now):
            allowed = max(1, allowed // BRAKED)
        return self._wait(of_address, allowed, now) or None

    def sign_in_succeeded(
        self, uow: UnitOfWork, name: str | None, address: str, now: int, *, browser: str | None = None
    ) -> None:
        """Forget the tries for this account, and only this try for the address: an attacker's own good sign-ins must
        not clear the counter of the guesses between them (LG-12). One by a known browser leaves the guesses of others
        counted; one by passkey (no `name`) has none."""
        # In the order of counting, so that no two sign-ins wait for each other.
        if browser is not None:
            uow.throttles.clear(_browser_key(browser))
        else:
            uow.throttles.refund(_address_key("address", address))
            if name is not None:
                uow.throttles.clear(_account_key(name))
        uow.throttles.hit(_GOOD, now, self._limits.window_seconds)

    def sign_in_failed(self, uow: UnitOfWork, now: int) -> bool:
        """Count a failure of anybody; tell whether by this one they became too many."""
        failed = uow.throttles.hit(_FAILED, now, self._limits.window_seconds).count
        good = self._count(uow, _GOOD, now)
        return self._is_too_much(failed, good) and not self._is_too_much(failed - 1, good)

    def sign_in_not_judged(self, uow: UnitOfWork, name: str, address: str, *, browser: str | None = None) -> None:
        """Forget a try that told nobody anything, because we could not judge it."""
        if browser is not None:
            uow.throttles.refund(_browser_key(browser))
            return
        uow.throttles.refund(_address_key("address", address))
        uow.throttles.refund(_account_key(name))

    def count_second_factor(self, uow: UnitOfWork, account_id: str, now: int) -> int | None:
        """Count a try of a second factor, whichever it is; return the seconds to wait, None when it may be judged. Only
        who knows the password gets here, so nobody else can use up its owner's tries."""
        limits = self._limits
        tries = uow.throttles.hit(_second_factor_key(account_id), now, limits.window_seconds)
        return self._wait(tries, limits.per_second_factor, now) or None

    def second_factor_succeeded(self, uow: UnitOfWork, account_id: str) -> None:
        """Forget the tries for this account."""
        uow.throttles.clear(_second_factor_key(account_id))

    def count_client_failure(self, uow: UnitOfWork, address: str, now: int) -> int | None:
        """Count a failed client authentication; return the seconds to wait once there were too many."""
        limits = self._limits
        failures = uow.throttles.hit(_address_key("client", address), now, limits.window_seconds)
        return self._wait(failures, limits.per_client, now) or None

    def count_registration(self, uow: UnitOfWork, address: str, now: int) -> int | None:
        """Count a client that wants to register itself; return the seconds to wait once there were too many (CR-18)."""
        limits = self._limits
        tries = uow.throttles.hit(_address_key("registration", address), now, limits.window_seconds)
        return self._wait(tries, limits.registrations, now) or None

    def count_reset_request(self, uow: UnitOfWork, address: str, now: int) -> int | None:
        """Count a request for a mail with a link; return the seconds to wait once there were too many from one address,
        whomever they were for."""
        limits = self._limits
        tries = uow.throttles.hit(_address_key("reset", address), now, limits.window_seconds)
        return self._wait(tries, limits.per_address, now) or None

    def count_sign_up(self, uow: UnitOfWork, address: str, now: int) -> int | None:
        """Count a request for a mail to sign up by; return the seconds to wait once there were too many from one
        address, whomever they were for."""
        limits = self._limits
        tries = uow.throttles.hit(_address_key("sign-up", address), now, limits.window_seconds)
        return self._wait(tries, limits.sign_ups, now) or None

    def count_resend(self, uow: UnitOfWork, asking: str, now: int, *, seconds: int) -> int | None:
        """Count that a browser asks for a mail to an address; return the seconds to wait when it just did."""
        tries = uow.throttles.hit(digest(f"resend\n{asking}"), now, seconds)
        return None if tries.count == 1 else max(1, tries.window_started_at + seconds - now)

    def count_reset_mail(self, uow: UnitOfWork, account_id: str, now: int) -> int | None:
        """Count a mail with a link to an account; return the seconds to wait once there were too many in an hour
        (LG-30)."""
        mails = uow.throttles.hit(_reset_mail_key(account_id), now, HOUR)
        if mails.count <= self._limits.reset_mails:
            return None
        return max(1, mails.window_started_at + HOUR - now)

    def count_mailed_code(self, uow: UnitOfWork, account_id: str, now: int) -> int | None:
        """Count a mail with a code, as those with a link and apart from them."""
        return self.count_reset_mail(uow, f"code {account_id}", now)

    def count_sign_in_mail(self, uow: UnitOfWork, account_id: str, now: int) -> int | None:
        """Count a mail that tells of a sign-in: who knows a password must not fill a letter box by it."""
        return self.count_reset_mail(uow, f"sign-in {account_id}", now)

    def reset_mail_not_sent(self, uow: UnitOfWork, account_id: str) -> None:
        """Forget one that did not go out, and is tried again."""
        uow.throttles.refund(_reset_mail_key(account_id))

    def _is_braked(self, uow: UnitOfWork, now: int) -> bool:
        return self._is_too_much(self._count(uow, _FAILED, now), self._count(uow, _GOOD, now))

    def _is_too_much(self, failed: int, good: int) -> bool:
        # Where very many sign in, very many mistype: only when most fail is it somebody's doing.
        return failed >= self._limits.failures_of_everybody and failed > good

    def _count(self, uow: UnitOfWork, key: str, now: int) -> int:
        """Return a count as far as its window lasts."""
        found = uow.throttles.find(key)
        window = self._limits.window_seconds
        is_current = found is not None and now - window < found.window_started_at <= now + window
        return found.count if found is not None and is_current else 0

    def _wait(self, throttle: Throttle, limit: int, now: int) -> int:
        if throttle.count <= limit:
            return 0
        return max(1, throttle.window_started_at + self._limits.window_seconds - now)


def _browser_key(browser: str) -> str:
    return digest(f"browser\n{browser}")


def _account_key(name: str) -> str:
    return digest(f"account\n{canonical_name(name) or name[:1000]}")


_FAILED, _GOOD = digest("sign-ins\nfailed"), digest("sign-ins\ngood")


def _reset_mail_key(account_id: str) -> str:
    return digest(f"reset mail\n{account_id}")


def _second_factor_key(account_id: str) -> str:
    return digest(f"second factor\n{account_id}")


def _address_key(kind: str, address: str) -> str:
    """An IPv6 subscriber has a whole /64 to rotate through, so that counts as one address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return digest(f"{kind}\n{address}")
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        parsed = mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)).network_address
    return digest(f"{kind}\n{parsed}")
