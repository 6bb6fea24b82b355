"""Passkeys: keys that stay with their owner's devices and sign for this origin alone (WebAuthn Level 3).

A passkey is possession and the authenticator's own check of its user, so it signs in by itself. Nothing is asked for by
account before it is proved (WebAuthn §14.6.2): the sign-in options are the same for everybody (R11).

A challenge is not stored when it is made, for most pages that carry one are answered by a password: it says itself
until when it counts and what it is bound to, and is remembered once it was answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.accounts.audit import NOWHERE, Origin, record
from idp.authentication.ceremonies import (
    ALGORITHMS,
    NotAccepted,
    RelyingParty,
    Verified,
    from_base64url,
    read_assertion,
    read_attestation,
    to_base64url,
)
from idp.authentication.methods.devices import device_name
from idp.authentication.methods.second_factor import Proof, SecondFactor
from idp.jose.sealing import KeyEncryptionKey
from idp.randomness import digest, is_same, new_bytes
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Artifact, Authenticator

NAME = "passkey"
CHALLENGE_KIND = "passkey_challenge"
# WebAuthn §15.1 recommends five to ten minutes.
CHALLENGE_SECONDS = 300
# RFC 8176: proof of possession of a key, the user verified by the authenticator, more than one factor.
AMR = ("pop", "user", "mfa")
MOST = 20
_CREATE, _GET = "create", "get"
_RANDOM_BYTES, _INSTANT_BYTES = 16, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """What one page's ceremonies depend on: who we are, what the challenge is bound to (`bound_to`, a value of this
    page in this browser alone), and the instant."""

    relying_party: RelyingParty
    bound_to: str
    vault: KeyEncryptionKey = field(repr=False)
    now: int


def sign_in_options(ceremony: Ceremony, of_account: tuple[Authenticator, ...] = ()) -> dict[str, Any]:
    """Return `PublicKeyCredentialRequestOptionsJSON` (WebAuthn §5.1.9): for whatever passkey there is, or for those of
    an account that is known already."""
    allowed = {"allowCredentials": _descriptors(of_account)} if of_account else {}
    return {
        "challenge": to_base64url(_new_challenge(ceremony, _GET)),
        "rpId": ceremony.relying_party.rp_id,
        "userVerification": "required",
        "timeout": CHALLENGE_SECONDS * 1_000,
        **allowed,
    }


def begin_registration(
    ceremony: Ceremony, *, account_id: str, username: str, display_name: str, mine: tuple[Authenticator, ...]
) -> dict[str, Any]:
    """Return `PublicKeyCredentialCreationOptionsJSON` (WebAuthn §5.1.9) for one more passkey beside those that the
    account has (`mine`)."""
    return {
        "rp": {"id": ceremony.relying_party.rp_id, "name": ceremony.relying_party.name},
        "user": {"id": to_base64url(account_id.encode()), "name": username, "displayName": display_name},
        "challenge": to_base64url(_new_challenge(ceremony, _CREATE)),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
        "excludeCredentials": _descriptors(mine),
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "timeout": CHALLENGE_SECONDS * 1_000,
    }


def finish_registration(
    uow: UnitOfWork,
    ceremony: Ceremony,
    *,
    account_id: str,
    response: str,
    user_agent: str,
    origin: Origin = NOWHERE,
    name: str | None = None,
) -> Authenticator:
    """Keep the passkey that a browser made for this account, named after the browser where it has no other name. Writes
    an audit event; whoever calls has made sure that the account's owner proved to be here just now. Raises
    `NotAccepted`."""
    from idp.authentication.verifying import verify_attestation

    attestation = read_attestation(response)
    _spend(uow, ceremony, _CREATE, attestation.challenge)
    verified = verify_attestation(attestation, ceremony.relying_party)
    if len(of_account(uow, account_id)) >= MOST:
        raise NotAccepted("as many passkeys as an account may have")
    passkey = Authenticator(
        authenticator_id=_id(verified.credential_id),
        account_id=account_id,
        method=NAME,
        name=name or device_name(user_agent),
        secret=to_base64url(verified.public_key),
        counter=verified.sign_count,
        facts={
            "credential_id": to_base64url(verified.credential_id),
            "transports": list(attestation.transports),
            "backup_eligible": verified.backup_eligible,
            "backed_up": verified.backed_up,
        },
        created_at=ceremony.now,
    )
    try:
        uow.authenticators.add(passkey)
    except Duplicate as fault:
        # Whoever could register another's credential could sign that one in to an account of his own.
        raise NotAccepted("a credential that is registered already") from fault
    record(uow, "passkey.added", now=ceremony.now, origin=origin, account_id=account_id, device=passkey.name)
    return passkey


def sign_in(
    uow: UnitOfWork, ceremony: Ceremony, response: str, origin: Origin, account_id: str | None = None
) -> Authenticator:
    """Return the passkey that an assertion proves, of this account if one is given. Notes the use, and an audit event
    where a copy of it seems to be about. Raises `NotAccepted`: what was spent by then stays spent."""
    from idp.authentication.verifying import verify_assertion

    assertion = read_assertion(response)
    _spend(uow, ceremony, _GET, assertion.challenge)
    passkey = uow.authenticators.find(_id(assertion.credential_id))
    if passkey is None or passkey.method != NAME or account_id not in {None, passkey.account_id}:
        raise NotAccepted("an unknown credential")
    # Without a list of allowed credentials the authenticator has to say whose it is (WebAuthn §7.2, step 6).
    owner = passkey.account_id.encode()
    if assertion.user_handle != owner and not (account_id and assertion.user_handle is None):
        raise NotAccepted("another user handle")
    verified = verify_assertion(assertion, ceremony.relying_party, from_base64url(passkey.secret))
    if verified.backup_eligible != passkey.facts["backup_eligible"]:
        raise NotAccepted("backup eligibility never changes (WebAuthn §6.1.3)")
    _note_use(uow, passkey, verified, ceremony.now, origin)
    return passkey


def of_account(uow: UnitOfWork, account_id: str) -> tuple[Authenticator, ...]:
    """Return the passkeys of an account, the oldest first."""
    return tuple(each for each in uow.authenticators.list(account_id) if each.method == NAME)


def verify(uow: UnitOfWork, proof: Proof) -> Authenticator | None:
    """Return the account's passkey that was proved beside a password."""
    if proof.relying_party is None:
        return None
    ceremony = Ceremony(relying_party=proof.relying_party, bound_to=proof.bound_to, vault=proof.vault, now=proof.now)
    try:
        return sign_in(uow, ceremony, proof.response, proof.origin, proof.account_id)
    except NotAccepted:
        return None


def _note_use(uow: UnitOfWork, passkey: Authenticator, verified: Verified, now: int, origin: Origin) -> None:
    """Passkeys that live on several devices count nothing, and say zero for ever (WebAuthn §6.1.1)."""
    if verified.sign_count == passkey.counter == 0:
        uow.authenticators.touch(passkey.authenticator_id, now)
    elif not uow.authenticators.advance(passkey.authenticator_id, verified.sign_count, now):
        record(uow, "passkey.cloned", now=now, result="rejected", origin=origin, account_id=passkey.account_id)
        raise NotAccepted("a signature counter that went back")


def _new_challenge(ceremony: Ceremony, purpose: str) -> bytes:
    said = (ceremony.now + CHALLENGE_SECONDS).to_bytes(_INSTANT_BYTES) + new_bytes(_RANDOM_BYTES)
    return said + ceremony.vault.authentication_code(said, _purpose(ceremony, purpose))


def _spend(uow: UnitOfWork, ceremony: Ceremony, purpose: str, challenge: bytes) -> None:
    """Raises `NotAccepted` unless a challenge is ours, for this purpose, page and browser, still counts, and was never
    answered before."""
    said = challenge[: _INSTANT_BYTES + _RANDOM_BYTES]
    code = ceremony.vault.authentication_code(said, _purpose(ceremony, purpose))
    if not is_same(to_base64url(said + code), to_base64url(challenge)):
        raise NotAccepted("a challenge from elsewhere")
    expires_at = int.from_bytes(said[:_INSTANT_BYTES])
    answered = Artifact(
        kind=CHALLENGE_KIND,
        handle_hash=digest(to_base64url(challenge)),
        payload={},
        created_at=ceremony.now,
        expires_at=expires_at,
    )
    if expires_at <= ceremony.now or not uow.artifacts.add(answered):
        raise NotAccepted("a challenge that is too old, or was answered before")


def _purpose(ceremony: Ceremony, purpose: str) -> str:
    return f"{CHALLENGE_KIND}\n{purpose}\n{ceremony.bound_to}"


def _descriptors(passkeys: tuple[Authenticator, ...]) -> list[Mapping[str, Any]]:
    return [
        {"type": "public-key", "id": each.facts["credential_id"], "transports": list(each.facts["transports"])}
        for each in passkeys
    ]


def _id(credential_id: bytes) -> str:
    """Return the id in the store, one for each credential whoever has it: the credential's own may be 1,023 bytes."""
    return digest(f"{NAME}\n{to_base64url(credential_id)}")


# It stands in wherever a second factor is asked for, but having one is no wish to be asked after a password.
METHOD = SecondFactor(name=NAME, amr=("pop", "user"), verify=verify, counts_as_set_up=False)
