"""Whose certificates count for requests to others, and the own certificate for serving https without a proxy.

Only the system's authorities and those of one named file are trusted; there is no switch that trusts everybody.
"""

import ssl
from pathlib import Path


class UnusableCertificate(ValueError):
    """A PEM file cannot be used. The message names it and says why."""


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Verifies certificates by the system's authorities and those of the PEM file. Raises UnusableCertificate."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:
            raise UnusableCertificate(f"{ca_file} cannot be used ({_reason(error)})") from None
    return context


def server_context(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """Serves https with a PEM certificate chain and its unencrypted key: TLS 1.2 or later (RFC 9325 §3.1.1).

    Raises UnusableCertificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without the callback OpenSSL would ask for the password of an encrypted key at the terminal.
        context.load_cert_chain(certificate_file, key_file, password=_no_password)
    except (OSError, ValueError) as error:
        raise UnusableCertificate(f"{certificate_file}, {key_file} cannot be used ({_reason(error)})") from None
    return context


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)


def _no_password() -> str:
    raise ValueError("the key has a password")
