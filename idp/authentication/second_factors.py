"""Judging a second factor: counted before it is judged, within one unit of work (R12)."""

from idp.accounts.audit import Origin, record
from idp.authentication.ceremonies import RelyingParty
from idp.authentication.methods import SECOND_FACTORS
from idp.authentication.methods.second_factor import Proof, SecondFactor
from idp.authentication.sign_in import Paused, Rejected
from idp.authentication.throttle import Throttling
from idp.jose.sealing import KeyEncryptionKey
from idp.stores.interfaces import UnitOfWork


class SecondFactors:
    """Verifies the second factors of accounts. Whoever asks has made sure that the first was proved."""

    def __init__(
        self, vault: KeyEncryptionKey, throttle: Throttling, relying_party: RelyingParty | None = None
    ) -> None:
        self._vault, self._throttle, self._relying_party = vault, throttle, relying_party

    def attempt(
        self, uow: UnitOfWork, *, account_id: str, method: str, response: str, bound_to: str, origin: Origin, now: int
    ) -> SecondFactor | Rejected | Paused:
        """Judge one try and return the factor that was proved. What it proves is used up; `bound_to` is what the page's
        challenge belongs to. Writes the counters and an
        audit event. Raises `CannotOpen` for a secret that was sealed under another key."""
        wait = self._throttle.count_second_factor(uow, account_id, now)
        if wait is not None:
            record(uow, "second_factor.paused", now=now, result="throttled", origin=origin, account_id=account_id)
            return Paused(wait)
        factor = next((each for each in SECOND_FACTORS if each.name == method), None)
        mine = [each for each in uow.authenticators.list(account_id) if each.method == method]
        proof = Proof(
            account_id=account_id,
            response=response,
            mine=mine,
            vault=self._vault,
            now=now,
            bound_to=bound_to,
            relying_party=self._relying_party,
            origin=origin,
        )
        if factor is None or factor.verify(uow, proof) is None:
            record(uow, "second_factor.failed", now=now, result="rejected", origin=origin, account_id=account_id)
            return Rejected()
        self._throttle.second_factor_succeeded(uow, account_id)
        record(uow, "second_factor.ok", now=now, origin=origin, account_id=account_id, method=method)
        return factor
