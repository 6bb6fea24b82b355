"""What an authenticator sent, verified (WebAuthn Level 3 §7.1, §7.2).

No attestation is asked for, for which authenticator it is makes no difference here: what is sent all the same must
verify, and certificates are not looked at. Loaded with the first passkey: the library takes a tenth of a start.
"""

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, parse_cbor
from webauthn.helpers.cose import COSECRV, COSEKTY, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedRSAPublicKey
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    CredentialDeviceType,
    RegistrationCredential,
)

from idp.authentication.cbor import check_one_item, end_of_item
from idp.authentication.ceremonies import (
    ALGORITHMS,
    Assertion,
    Attestation,
    NotAccepted,
    RelyingParty,
    Verified,
    to_base64url,
)

_KINDS = dict(
    zip(ALGORITHMS, ((COSEKTY.EC2, COSECRV.P256), (COSEKTY.OKP, COSECRV.ED25519), (COSEKTY.RSA, None)), strict=True)
)
_RSA_BITS = range(2_048, 4_097)
# rpIdHash, flags, signCount, AAGUID, length of the credential id (WebAuthn §6.1, §6.5.1).
_BEFORE_CREDENTIAL_ID = 32 + 1 + 4 + 16 + 2
_FLAGS_AT, _EXTENSIONS = 32, 0x80


def verify_assertion(assertion: Assertion, relying_party: RelyingParty, public_key: bytes) -> Verified:
    """Verify an assertion whose challenge is ours (WebAuthn §7.2), with user verification. Raises `NotAccepted`. The
    signature counter is the caller's to judge."""
    try:
        verified = verify_authentication_response(
            credential=AuthenticationCredential(
                id=to_base64url(assertion.credential_id),
                raw_id=assertion.credential_id,
                response=AuthenticatorAssertionResponse(
                    client_data_json=assertion.client_data,
                    authenticator_data=assertion.authenticator_data,
                    signature=assertion.signature,
                    user_handle=assertion.user_handle,
                ),
            ),
            expected_challenge=assertion.challenge,
            expected_rp_id=relying_party.rp_id,
            expected_origin=relying_party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as fault:
        # The library lets errors of what is below it through; whatever a stranger's bytes bring about is a refusal.
        raise NotAccepted(str(fault)) from fault
    return Verified(
        credential_id=assertion.credential_id,
        public_key=public_key,
        sign_count=verified.new_sign_count,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def verify_attestation(attestation: Attestation, relying_party: RelyingParty) -> Verified:
    """Verify a new credential whose challenge is ours (WebAuthn §7.1), with user verification. Raises `NotAccepted`."""
    try:
        _check_attestation_object(attestation.attestation_object)
        verified = verify_registration_response(
            credential=RegistrationCredential(
                id=to_base64url(attestation.credential_id),
                raw_id=attestation.credential_id,
                response=AuthenticatorAttestationResponse(
                    client_data_json=attestation.client_data, attestation_object=attestation.attestation_object
                ),
            ),
            expected_challenge=attestation.challenge,
            expected_rp_id=relying_party.rp_id,
            expected_origin=relying_party.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in ALGORITHMS],
        )
        _check_public_key(verified.credential_public_key)
    except Exception as fault:
        raise NotAccepted(str(fault)) from fault
    if verified.credential_id != attestation.credential_id:
        raise NotAccepted("the credential's id is not the one that was attested")
    return Verified(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def _check_attestation_object(attestation_object: bytes) -> None:
    check_one_item(attestation_object)
    parsed = parse_cbor(attestation_object)
    _check_credential_data(parsed["authData"])
    kind, statement = parsed["fmt"], parsed["attStmt"]
    # Self attestation is what some authenticators send although none is asked for (WebAuthn §5.4.7).
    is_self = kind == "packed" and isinstance(statement, dict) and "x5c" not in statement
    if not is_self and (kind, statement) != ("none", {}):
        raise NotAccepted("an attestation that was not asked for")


def _check_credential_data(authenticator_data: bytes) -> None:
    """Raises `ValueError` unless what follows the credential id is exactly its key, and the extensions that the flags
    announce."""
    length = int.from_bytes(authenticator_data[_BEFORE_CREDENTIAL_ID - 2 : _BEFORE_CREDENTIAL_ID])
    end = end_of_item(authenticator_data, _BEFORE_CREDENTIAL_ID + length)
    if authenticator_data[_FLAGS_AT] & _EXTENSIONS:
        end = end_of_item(authenticator_data, end)
    if end != len(authenticator_data):
        raise ValueError("bytes after the authenticator data")


def _check_public_key(public_key: bytes) -> None:
    """Raises unless the key is one that can verify: a point on the curve of its algorithm (RFC 9053 §2), an RSA key of
    a size that counts."""
    decoded = decode_credential_public_key(public_key)
    decoded_public_key_to_cryptography(decoded)
    if _KINDS[decoded.alg] != (decoded.kty, getattr(decoded, "crv", None)):
        raise NotAccepted("a key of another kind than its algorithm")
    if isinstance(decoded, DecodedRSAPublicKey) and int.from_bytes(decoded.n).bit_length() not in _RSA_BITS:
        raise NotAccepted("the size of the RSA key")
