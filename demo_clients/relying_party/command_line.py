"""The command line of a relying party, checked wholly before anything starts.

The client secret comes from a file, never from an argument: arguments are visible to every user of the machine.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from demo_clients.relying_party.settings import DEMO_ISSUER, PartyDefaults, Settings
from demo_clients.relying_party.tls import UnusableCertificate, server_context, trust


class SettingsRefused(ValueError):
    """One or more settings cannot be used. The message names each and its remedy."""


def parse_settings(defaults: PartyDefaults, arguments: Sequence[str] | None = None) -> Settings:
    """Read the command line. Raises SettingsRefused; exits with 2 as argparse does on unknown options."""
    given = _parser(defaults).parse_args(arguments)
    faults: list[str] = []
    secret = _read_secret(given.client_secret_file, faults)
    settings = Settings(
        issuer=_checked_url("--issuer", given.issuer, faults, may_end_with_slash=True),
        host=given.host,
        port=given.port,
        base_url=_checked_url("--base-url", given.base_url or _default_base_url(defaults, given), faults),
        client_id=given.client_id,
        client_secret=secret,
        peer_url=_checked_url("--peer-url", given.peer_url, faults),
        defaults=defaults,
        ca_file=given.ca_file,
        tls_certificate_file=given.tls_certificate_file,
        tls_key_file=given.tls_key_file,
        sign_in_only=given.sign_in_only,
        allow_older_provider=given.allow_older_provider,
    )
    _check_certificates(settings, faults)
    if faults:
        raise SettingsRefused("\n".join(faults))
    return settings


def _parser(defaults: PartyDefaults) -> argparse.ArgumentParser:
    lower = defaults.name.lower()
    parser = argparse.ArgumentParser(
        prog=f"python -m demo_clients.{lower}",
        description=f"The {defaults.name}: a demo relying party with an API of its own.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--issuer", default=DEMO_ISSUER, help="issuer of the provider to trust")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=defaults.port, help="port to listen on")
    parser.add_argument("--base-url", help=f"URL browsers use (default: {defaults.base_url}, with the port)")
    parser.add_argument("--client-id", default=defaults.client_id, help="client_id at the provider")
    parser.add_argument(
        "--client-secret-file",
        type=Path,
        default=Path(".signet") / f"{lower}.secret",
        help="file with the client secret",
    )
    parser.add_argument("--peer-url", default=defaults.peer_url, help=f"URL of the {defaults.peer_name}")
    parser.add_argument("--sign-in-only", action="store_true", help="ask for no API: for providers that know of none")
    parser.add_argument(
        "--allow-older-provider",
        action="store_true",
        help="do without the announcement of PKCE, without iss in answers (RFC 9207), without the typ of logout tokens",
    )
    parser.add_argument("--ca-file", type=Path, help="PEM file of authorities to trust beside the system's")
    parser.add_argument("--tls-certificate-file", type=Path, help="PEM chain, to serve https by itself")
    parser.add_argument("--tls-key-file", type=Path, help="its private key in PEM, without a password")
    return parser


def _default_base_url(defaults: PartyDefaults, given: argparse.Namespace) -> str:
    url = defaults.base_url.replace(f":{defaults.port}", f":{given.port}")
    return url.replace("http://", "https://", 1) if given.tls_certificate_file else url


def _checked_url(option: str, url: str, faults: list[str], *, may_end_with_slash: bool = False) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or "?" in url or "#" in url or "@" in url:
        faults.append(f"{option}: {url!r} is no http(s) URL without query and fragment")
    elif url.endswith("/") and not may_end_with_slash:
        faults.append(f"{option}: {url!r} ends with a slash; please leave it out")
    return url


def _read_secret(path: Path, faults: list[str]) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(
            f"--client-secret-file: cannot read {path} ({error.__class__.__name__}); put the secret there that "
            "the provider showed when the client was added"
        )
        return ""
    if not secret:
        faults.append(f"--client-secret-file: {path} is empty")
    return secret


def _check_certificates(settings: Settings, faults: list[str]) -> None:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    try:
        trust(settings.ca_file)
    except UnusableCertificate as error:
        faults.append(f"--ca-file: {error}")
    if (certificate is None) != (key is None):
        faults.append("--tls-certificate-file and --tls-key-file: both are needed, or neither")
    if certificate is None or key is None:
        return
    if not settings.uses_https:
        faults.append(f"--base-url: {settings.base_url} is not https, although the application is to serve https")
    try:
        server_context(certificate, key)
    except UnusableCertificate as error:
        faults.append(f"--tls-certificate-file, --tls-key-file: {error}")
