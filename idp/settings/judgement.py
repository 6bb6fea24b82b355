"""What settings mean together: combinations that cannot work at all, and those that `serve` refuses as unsafe."""

import ipaddress
import os
import re
import stat
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from idp.settings.faults import Fault
from idp.settings.model import DANGEROUS, FIELDS, Settings, environment_name, is_secret
from idp.settings.sources import DEFAULT, Source, paste
from idp.settings.theme_checks import theme_faults
from idp.settings.values import EXAMPLE_ISSUER, is_loopback, sqlite_file

Sources = Mapping[str, Source]
_KEY = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
# OWASP Password Storage Cheat Sheet, Argon2id: the weakest of its equivalent rows are 7 MiB with 5 passes.
_LEAST_MEMORY_KIB, _LEAST_WORK = 7_168, 35_840
# A network wider than this holds more than one's own proxies.
_WIDEST_PROXY_NETWORK = {4: 8, 6: 16}


def check_together(settings: Settings, sources: Sources) -> list[Fault]:
    """Return what cannot work in any mode."""
    keys, argon2 = settings.keys, settings.argon2
    found = []
    key = settings.key_encryption_key
    if key is not None and not _KEY.fullmatch(key.get_secret_value().strip()):
        remedy = f"{environment_name('key_encryption_key')}=$(openssl rand -base64 32)"
        source = str(sources.get("key_encryption_key", DEFAULT))
        found.append(Fault("key_encryption_key", source, "is not 32 random bytes in base64", remedy))
    if keys.publish_ahead_seconds < keys.jwks_max_age_seconds:
        problem = "is less than keys.jwks_max_age_seconds, so relying parties would meet keys that they do not know"
        found.append(_fault("keys.publish_ahead_seconds", problem, keys.jwks_max_age_seconds, sources))
    if "RS256" not in keys.algorithms:
        # OIDC Core §15.1: every provider signs by RS256 for those who ask for nothing else.
        found.append(_fault("keys.algorithms", "lacks RS256", ("RS256", *keys.algorithms), sources))
    one, other = ("tls_certificate_file", "tls_key_file")
    if (settings.tls_certificate_file is None) != (settings.tls_key_file is None):
        missing, given = (one, other) if settings.tls_certificate_file is None else (other, one)
        # The line goes where the other one is.
        remedy = paste(missing, "/path/to/file.pem", sources.get(given, DEFAULT))
        found.append(Fault(missing, str(DEFAULT), f"is missing, while {given} is set", remedy))
    if argon2.memory_kib < 8 * argon2.parallelism:
        problem = "is less than 8 times argon2.parallelism (RFC 9106 section 3.1)"
        found.append(_fault("argon2.memory_kib", problem, FIELDS["argon2.memory_kib"].default, sources))
    more = (_mail_faults(settings, sources), _sign_up_faults(settings, sources), theme_faults(settings, sources))
    return [*found, *chain.from_iterable(more)]


def _mail_faults(settings: Settings, sources: Sources) -> Iterator[Fault]:
    mail = settings.mail
    if not mail.host:
        return
    if not mail.sender:
        yield _fault("mail.sender", "is missing, while mail.host is set", "login@example.org", sources)
    if mail.tls == "none" and not settings.allow_insecure_mail:
        problem = "lets others read links to set passwords; allow_insecure_mail permits it"
        yield _fault("mail.tls", problem, "starttls", sources)
    if bool(mail.user) != (mail.password is not None):
        problem = "belongs with mail.password, and one of them is missing"
        yield _fault("mail.user", problem, mail.user or "login@example.org", sources)


def _sign_up_faults(settings: Settings, sources: Sources) -> Iterator[Fault]:
    sign_up = settings.sign_up
    if sign_up.is_asked_for and not settings.sends_mail:
        problem = f"is {sign_up.mode}, which needs a mail server (mail.host), for addresses are proved first"
        yield _fault("sign_up.mode", problem, "invitation", sources)
    if sign_up.mode == "domain" and not sign_up.domains:
        yield _fault("sign_up.domains", "is empty, while sign_up.mode is domain", ("example.org",), sources)


def unsafe(settings: Settings, sources: Sources | None = None) -> list[Fault]:
    """Return what `serve` refuses: settings that are right for development only, and secrets that others could read.

    Looks at the files that the settings name; changes nothing."""
    known = sources or {}
    return [*_unsafe_switches(settings, known), *_weak_limits(settings, known), *_exposed_files(settings, known)]


def switched_on(settings: Settings) -> tuple[str, ...]:
    """Return the dangerous switches that are on, to be logged at start."""
    return tuple(name for name in DANGEROUS if getattr(settings, name))


def _unsafe_switches(settings: Settings, sources: Sources) -> Iterator[Fault]:
    parts = urlsplit(settings.issuer)
    is_public = not is_loopback(parts.hostname or "")
    if settings.development:
        yield _fault("development", "is on, and shows internals to anyone; `idp dev` is for that", False, sources)
    if is_public and parts.scheme != "https" and not settings.allow_http_issuer:
        problem = "is http, so passwords and tokens would travel in clear text"
        yield _fault("issuer", problem, EXAMPLE_ISSUER, sources)
    for key in ("allow_loopback_clients", "allow_loopback_outbound", "allow_any_host"):
        if is_public and getattr(settings, key):
            yield _fault(key, "is on for a public issuer, and is meant for one machine only", False, sources)


def _weak_limits(settings: Settings, sources: Sources) -> Iterator[Fault]:
    argon2 = settings.argon2
    if argon2.memory_kib < _LEAST_MEMORY_KIB or argon2.memory_kib * argon2.iterations < _LEAST_WORK:
        problem = "makes, with argon2.iterations, password hashes that are quickly guessed"
        yield _fault("argon2.memory_kib", problem, FIELDS["argon2.memory_kib"].default, sources)
    for text in settings.trusted_proxies:
        network = ipaddress.ip_network(text, strict=False)
        if network.prefixlen < _WIDEST_PROXY_NETWORK[network.version]:
            problem = f"has {text}: so many strangers could state any address"
            yield _fault("trusted_proxies", problem, ("10.0.0.0/8",), sources)


def _exposed_files(settings: Settings, sources: Sources) -> Iterator[Fault]:
    if settings.key_encryption_key is None:
        yield from _key_file_faults(settings.key_encryption_key_file, sources)
    database = sqlite_file(settings.database_url)
    for problem, remedy in _open_to_others(database) if database else ():
        yield Fault("database_url", str(sources.get("database_url", DEFAULT)), problem, remedy)
    for path in {source.name for key, source in sources.items() if source.kind == "file" and is_secret(key)}:
        for problem, remedy in _open_to_others(Path(path)):
            yield Fault(path, "configuration file", f"holds a secret, and {problem}", remedy)


def _key_file_faults(path: Path, sources: Sources) -> Iterator[Fault]:
    source = str(sources.get("key_encryption_key_file", DEFAULT))
    if path.is_file():
        for problem, remedy in _open_to_others(path):
            yield Fault("key_encryption_key_file", source, problem, remedy)
        if not os.access(path, os.R_OK):
            remedy = f"chown $(id -u) {path}"
            yield Fault("key_encryption_key_file", source, f"{path} cannot be read by this user", remedy)
    elif path.exists():
        yield Fault("key_encryption_key_file", source, f"{path} is not a file", f"mv {path} {path}.old")
    elif not _can_create(path):
        remedy = f"mkdir -p -m 700 {path.parent}   # writable to the provider, or give IDP_KEY_ENCRYPTION_KEY"
        yield Fault("key_encryption_key_file", source, f"{path} does not exist and cannot be made", remedy)


def _open_to_others(path: Path) -> Iterator[tuple[str, str]]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & 0o077:
        yield f"{path} is open to other users (mode {mode:04o})", f"chmod 600 {path}"


def _can_create(path: Path) -> bool:
    nearest = next((parent for parent in path.absolute().parents if parent.exists()), Path("/"))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _fault(key: str, problem: str, better: Any, sources: Sources) -> Fault:
    source = sources.get(key, DEFAULT)
    return Fault(key, str(source), problem, paste(key, better, source))
