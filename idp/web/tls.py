"""TLS served by the provider itself, for those without a proxy in front (RFC 9325 §3.1.1, §4.2)."""

import ssl
from pathlib import Path

# TLS 1.2 with forward secrecy and authenticated encryption; TLS 1.3 has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class UnusableCertificate(Exception):
    """The certificate or its key cannot be used; the text says which setting and why."""


def server_context(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """Return what serves https with a PEM certificate chain, the own one first, and its unencrypted PEM key.

    Raises `UnusableCertificate`."""
    for name, file in (("tls_certificate_file", certificate_file), ("tls_key_file", key_file)):
        try:
            file.read_bytes()
        except OSError as error:
            raise UnusableCertificate(f"{name}: {file} cannot be read: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without the callback OpenSSL would ask for the password of an encrypted key at the terminal.
        context.load_cert_chain(certificate_file, key_file, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        problem = "do not belong together" if reason == "KEY_VALUES_MISMATCH" else f"cannot be used ({reason})"
        raise UnusableCertificate(
            f"tls_certificate_file and tls_key_file {problem}: {certificate_file}, {key_file}; "
            "both must be PEM, the key without a password"
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
