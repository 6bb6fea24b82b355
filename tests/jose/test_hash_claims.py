"""at_hash, c_hash and s_hash: the published examples, and Authlib as judge."""

import hashlib
import warnings

import pytest

from idp.jose.compact import decode_base64url
from idp.jose.foreign import VERIFICATION_ALGORITHMS
from idp.jose.hash_claims import left_half_hash

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Authlib deprecates a module that it imports on the way
    from authlib.oidc.core.util import create_half_hash

ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"


@pytest.mark.case("JO-27")
@pytest.mark.requirement("OIDC Core", "3.1.3.6")
@pytest.mark.requirement("OIDC Core", "3.3.2.11")
def test_examples_of_the_specification() -> None:
    """The at_hash of OIDC Core §A.3 and the c_hash of §A.4 come out, and no other value has them."""
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    assert left_half_hash(ACCESS_TOKEN, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert left_half_hash(code, "RS256") == "LDktKdoQak3Pk0cnXxCltA"
    for other in (ACCESS_TOKEN + "=", ACCESS_TOKEN.swapcase(), ACCESS_TOKEN[:-1], ""):
        assert left_half_hash(other, "RS256") != "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.case("JO-27")
@pytest.mark.parametrize("alg", VERIFICATION_ALGORITHMS)
def test_authlib_computes_the_same(alg: str) -> None:
    """Under each algorithm the hash is the one that a relying party on Authlib computes, half as long as the digest."""
    claim = left_half_hash(ACCESS_TOKEN, alg)
    assert claim == create_half_hash(ACCESS_TOKEN, alg).decode()
    digests = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}
    digest = digests[alg[-3:]](ACCESS_TOKEN.encode()).digest()
    assert digest.startswith(decode_base64url(claim))
    assert len(decode_base64url(claim)) * 2 == len(digest)


@pytest.mark.parametrize(
    "alg", ["none", "", "256", "RS1", "RS255", "rs256", "RS256 ", "Ed448", "RSA-OAEP-256", "XX512"]
)
def test_algorithm_without_a_hash(alg: str) -> None:
    """An unsecured token has no such claim, and what is no signature algorithm of ours gives none."""
    with pytest.raises(ValueError, match="no hash"):
        left_half_hash(ACCESS_TOKEN, alg)
