"""What a second factor is: something that an account has, by which a short text proves that it is at hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idp.accounts.audit import NOWHERE, Origin
from idp.authentication.ceremonies import RelyingParty
from idp.jose.sealing import KeyEncryptionKey
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was sent to prove it: `response` is untrusted. `mine` are the account's authenticators of the method.
    `bound_to` is what a challenge of the page belongs to, `relying_party` who we are to a passkey."""

    account_id: str
    response: str
    mine: Sequence[Authenticator]
    vault: KeyEncryptionKey
    now: int
    bound_to: str = ""
    relying_party: RelyingParty | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A method by its `name` in the store. `amr` are its names in RFC 8176, `verify` returns the authenticator that was
    proved, which it has used up for this proof within the unit of work, or None. `counts_as_set_up` tells whether
    having it means that the account wants to be asked for a second factor."""

    name: str
    amr: tuple[str, ...]
    verify: Callable[[UnitOfWork, Proof], Authenticator | None]
    counts_as_set_up: bool
