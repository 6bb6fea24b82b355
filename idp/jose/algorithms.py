"""The algorithms that we sign with, a row each (RFC 7518 §3.1, RFC 8037 §3.1), those that others encrypt to us with
(RFC 7518 §4.1), and our key pairs for both. What is in neither table does not exist here.

A row says what kind of key it takes and how one is made; joserfc knows the rest by name. No symmetric algorithm may
enter a table: verification keys are public, and a token made with one as an HMAC secret must stay worthless
(RFC 8725 §2.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jws
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey, RSAKey

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

# RFC 7518 §3.3 asks for 2048 bits or more; more costs four times the signing time for no use within a key's life.
_RSA_BITS = 2048
_RSA_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm: its name, the kind of JWK it takes, how to make a private key for it, and the only curve it may
    be used with (`crv`), None for RSA. `implementation` is joserfc's name for it, "" if that is the same; `variants`
    are the algorithms that the same key serves besides."""

    name: str
    jwk: type[RSAKey] | type[ECKey] | type[OKPKey]
    generate: Callable[[], PrivateKey]
    curve: str | None = None
    implementation: str = ""
    variants: tuple[str, ...] = ()

    def model(self) -> JWSAlgModel:
        """Return what computes and verifies signatures; for a JWS algorithm only."""
        return find_model(self.implementation or self.name)


def find_model(name: str) -> JWSAlgModel:
    """Return joserfc's implementation of an algorithm, which must be a name of our own choosing."""
    return jws.JWSRegistry(algorithms=[name]).get_alg(name)


def _rsa(name: str) -> Algorithm:
    return Algorithm(name, RSAKey, lambda: rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS))


def _ec(name: str, crv: str, curve: ec.EllipticCurve) -> Algorithm:
    return Algorithm(name, ECKey, lambda: ec.generate_private_key(curve), crv)


DEFAULT_ALGORITHM = "RS256"

_ROWS = (
    *(_rsa(DEFAULT_ALGORITHM), _rsa("RS384"), _rsa("RS512"), _rsa("PS256"), _rsa("PS384"), _rsa("PS512")),
    _ec("ES256", "P-256", ec.SECP256R1()),
    _ec("ES384", "P-384", ec.SECP384R1()),
    _ec("ES512", "P-521", ec.SECP521R1()),
    # On Ed25519 only, which RFC 9864 names so; under "EdDSA" joserfc would take Ed448 too.
    Algorithm("EdDSA", OKPKey, ed25519.Ed25519PrivateKey.generate, "Ed25519", implementation="Ed25519"),
)
# In the order of discovery, the default first.
ALGORITHMS: Mapping[str, Algorithm] = {row.name: row for row in _ROWS}

# RSA-OAEP, which hashes with SHA-1, is for clients' keys only.
_KEY_MANAGEMENT_ROWS = (
    _rsa("RSA-OAEP-256"),
    replace(_ec("ECDH-ES", "P-256", ec.SECP256R1()), variants=("ECDH-ES+A128KW", "ECDH-ES+A256KW")),
)
# By the names that a key policy gives its keys.
KEY_MANAGEMENT: Mapping[str, Algorithm] = {row.name: row for row in _KEY_MANAGEMENT_ROWS}

# All with which a request object can be encrypted to us, for discovery.
DECRYPTION_ALGS: tuple[str, ...] = tuple(alg for row in _KEY_MANAGEMENT_ROWS for alg in (row.name, *row.variants))


class KeyPair:
    """One of our key pairs, ready for use. `kid` is the SHA-256 thumbprint of the public key (RFC 7638 §3).

    `public_jwk` has the public members, `kid`, `use` and `alg`, and nothing else (RFC 7517 §4). It has no `alg` if the
    key serves variants too: a client that found one named would take the key to be of no use for the others.
    """

    __slots__ = ("_private", "_public", "alg", "kid", "public_jwk")
    use: ClassVar[Literal["sig", "enc"]]

    def __init__(self, algorithm: Algorithm, private: PrivateKey) -> None:
        self.alg = algorithm.name
        self._public: Any = algorithm.jwk(private.public_key(), None)  # type: ignore[arg-type]  # the row pairs the two
        self.kid: str = self._public.thumbprint()
        purpose = {"kid": self.kid, "use": self.use} | ({} if algorithm.variants else {"alg": self.alg})
        self._private: Any = algorithm.jwk(private, private, purpose)  # type: ignore[arg-type]
        self.public_jwk: Mapping[str, Any] = self._public.as_dict(private=False) | purpose

    @classmethod
    def generate(cls, algorithm: Algorithm) -> Self:
        """Make a key pair; an RSA one takes around 100 ms, so never within a transaction."""
        return cls(algorithm, algorithm.generate())

    @classmethod
    def parse(cls, algorithm: Algorithm, der: bytes) -> Self:
        """Return the key pair that `private_der` wrote. The input must be trusted: it is not checked to be a good key,
        which would take 30 ms."""
        private = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        return cls(algorithm, private)  # type: ignore[arg-type]  # of the kind that the row generates

    def private_der(self) -> bytes:
        """Return the private key as PKCS #8 DER, in the clear: only to be sealed."""
        private: PrivateKey = self._private.raw_value
        return private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


class OwnKey(KeyPair):
    """A key pair that signs, and does nothing else."""

    __slots__ = ("_model",)
    use = "sig"

    def __init__(self, algorithm: Algorithm, private: PrivateKey) -> None:
        super().__init__(algorithm, private)
        self._model = algorithm.model()

    def sign(self, message: bytes) -> bytes:
        """Return the JWS signature over `message` (RFC 7515 §5.1)."""
        return self._model.sign(message, self._private)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is ours over `message` (RFC 7515 §5.2)."""
        return self._model.verify(message, signature, self._public)


class DecryptionKey(KeyPair):
    """A key pair that others encrypt to; it neither signs nor verifies (OIDC Core §10.2)."""

    __slots__ = ()
    use = "enc"

    @property
    def private(self) -> RSAKey | ECKey:
        """The private key for `idp.jose.encryption.decrypt`, with `kid`, `use` and `alg` as published."""
        private: RSAKey | ECKey = self._private
        return private
