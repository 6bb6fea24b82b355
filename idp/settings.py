"""Settings: frozen, checked wholly before anything starts, each with a safe default.

One order for all: command line > environment `IDP_*` (`__` for nesting) > `idp.toml` > default. A secret may also come
from a file, by `IDP_..._FILE`. Unknown keys are an error. This module alone reads the environment.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "IDP_"
CONFIG = "IDP_CONFIG"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lifetimes(_Group):
    """How long things live, in seconds."""

    code_seconds: int = Field(default=60, ge=1, le=60, description="Authorization code (RFC 6749 §4.1.2).")
    access_token_seconds: int = Field(default=5 * MINUTE, ge=10, le=DAY, description="Access token.")
    id_token_seconds: int = Field(default=5 * MINUTE, ge=10, le=DAY, description="ID Token.")
    refresh_token_seconds: int = Field(default=14 * DAY, ge=MINUTE, description="Refresh token that is not used.")
    refresh_grace_seconds: int = Field(
        default=10,
        ge=0,
        le=MINUTE,
        description="How long a spent refresh token may come again without ending its family.",
    )
    grant_seconds: int = Field(default=90 * DAY, ge=MINUTE, description="All refresh tokens of one sign-in together.")
    interaction_seconds: int = Field(default=30 * MINUTE, ge=MINUTE, le=DAY, description="A sign-in under way.")
    session_idle_seconds: int = Field(default=2 * HOUR, ge=MINUTE, description="Session without activity.")
    session_seconds: int = Field(default=12 * HOUR, ge=MINUTE, description="Session at the longest.")
    remembered_session_seconds: int = Field(
        default=30 * DAY, ge=MINUTE, description="Session at the longest, with `Keep me signed in`."
    )
    client_secret_grace_seconds: int = Field(default=DAY, ge=0, description="The old client secret after a rotation.")
    logout_token_seconds: int = Field(
        default=2 * MINUTE, ge=10, le=2 * MINUTE, description="Logout token (Back-Channel Logout §2.4)."
    )


class Argon2(_Group):
    """Password hashing (RFC 9106). Changed parameters are applied to an account at its next sign-in."""

    memory_kib: int = Field(default=19_456, ge=8, description="Memory of one hash, in KiB.")
    iterations: int = Field(default=2, ge=1, description="Passes over the memory.")
    parallelism: int = Field(default=1, ge=1, description="Lanes.")
    concurrent: int = Field(default=2, ge=1, le=64, description="Hashes computed at the same time by one process.")


class Keys(_Group):
    """The signing keys' life cycle."""

    rotation_seconds: int = Field(default=90 * DAY, ge=MINUTE, description="Age at which the active key gives way.")
    publish_ahead_seconds: int = Field(default=DAY, ge=0, description="How long a key is published before it signs.")
    jwks_max_age_seconds: int = Field(
        default=5 * MINUTE, ge=0, le=DAY, description="Cache-Control of JWKS and discovery."
    )


class Throttle(_Group):
    """How many failed tries are allowed within a window."""

    window_seconds: int = Field(default=15 * MINUTE, ge=10, description="Length of the window.")
    per_account: int = Field(default=10, ge=1, description="Sign-ins for one name.")
    per_address: int = Field(default=100, ge=1, description="Sign-ins from one address (one /64 of IPv6).")
    per_client: int = Field(default=100, ge=1, description="Failed client authentications from one address.")


class Settings(_Group):
    """All settings of one provider."""

    issuer: str = Field(
        default="http://idp.localhost:9000", description="The issuer identifier, byte for byte as clients see it."
    )
    product_name: str = Field(default="Signet", min_length=1, max_length=60, description="The name that pages show.")
    home: Path = Field(default=Path(".signet"), description="Directory of the database, when no other is named.")
    database_url: str = Field(default="", description="Database; by default SQLite in `home`.")
    key_encryption_key_file: Path = Field(
        default=Path("keys/key-encryption.key"), description="File of the key that seals the signing keys."
    )
    key_encryption_key: SecretStr | None = Field(
        default=None, description="That key itself, 32 bytes in base64, instead."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=9000, ge=1, le=65_535, description="Port to listen on.")
    trusted_proxies: tuple[str, ...] = Field(default=(), description="Networks whose X-Forwarded-For is believed.")
    worker_threads: int = Field(default=8, ge=1, le=128, description="Threads that run the core.")
    queue_limit: int = Field(default=256, ge=1, description="Requests that may wait for a thread; more get 503.")
    shutdown_seconds: int = Field(
        default=10, ge=0, le=600, description="How long requests under way may take at a stop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="JSON lines, or text on a terminal."
    )
    development: bool = Field(default=False, description="Stamp every page, show developers' facts on error pages.")
    allow_http_issuer: bool = Field(default=False, description="Serve an http issuer that is not on loopback.")
    allow_loopback_clients: bool = Field(default=False, description="Let web clients use http on loopback names.")
    allow_loopback_outbound: bool = Field(default=False, description="Deliver logout notices to loopback addresses.")
    allow_any_host: bool = Field(default=False, description="Answer requests whose Host is not the issuer's.")
    lifetimes: Lifetimes = Field(default=Lifetimes(), description="How long things live.")
    argon2: Argon2 = Field(default=Argon2(), description="Password hashing.")
    keys: Keys = Field(default=Keys(), description="Signing keys.")
    throttle: Throttle = Field(default=Throttle(), description="Limits on failed tries.")

    def model_post_init(self, _context: Any) -> None:
        """Fill in the database that follows from `home`."""
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.home / 'signet.sqlite3'}")

    def __hash__(self) -> int:
        """Hash by identity: settings are made once and used as a key of caches."""
        return id(self)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the settings: the key, where its value came from, what is wrong, a line to paste."""

    key: str
    source: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as two lines."""
        return f"{self.key} ({self.source}): {self.problem}\n    {self.remedy}"


class BadSettings(Exception):
    """The settings cannot be used; `faults` has all of them."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Explained:
    """One effective setting for people: secrets are masked."""

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings with the source of each value that was set."""

    settings: Settings
    sources: Mapping[str, str]

    def explain(self) -> tuple[Explained, ...]:
        """Return every setting with its value and where it came from."""
        return tuple(
            Explained(
                key, "(secret)" if isinstance(value, SecretStr) else _show(value), self.sources.get(key, "default")
            )
            for key, value in _leaves(self.settings)
        )


def load_settings(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read all sources and return the settings. `overrides` are dotted keys from the command line.

    Raises `BadSettings` with every fault found."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    faults: list[Fault] = []
    config = environ.get(CONFIG, "idp.toml")
    for source, found in (
        (config, _from_file(Path(config), CONFIG in environ, faults)),
        ("environment", _from_environment(environ, faults)),
        ("command line", dict(overrides or {})),
    ):
        for key, value in found.items():
            values[key], sources[key] = value, source
    faults += _unknown(values, sources)
    settings = None if faults else _validate(values, sources, faults)
    if settings is not None:
        faults += check_settings(settings, sources)
    if settings is None or faults:
        raise BadSettings(faults)
    return Loaded(settings, sources)


def check_settings(settings: Settings, sources: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong whatever the mode: an issuer or a network that cannot be meant."""
    faults = []
    parts = urlsplit(settings.issuer)
    plain = (
        parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment or parts.username)
    )
    if (
        not plain
        or settings.issuer.endswith("/")
        or settings.issuer != settings.issuer.strip()
        or parts.netloc.lower() != parts.netloc
    ):
        faults.append(
            Fault(
                "issuer",
                sources.get("issuer", "default"),
                "must be a URL in lower case without query, fragment or trailing slash, for clients compare it exactly",
                'issuer = "https://login.example.org"',
            )
        )
    for network in settings.trusted_proxies:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            faults.append(
                Fault(
                    "trusted_proxies",
                    sources.get("trusted_proxies", "default"),
                    f"{network!r} is not an address or network",
                    'trusted_proxies = ["10.0.0.0/8"]',
                )
            )
    return faults


def unsafe(settings: Settings, sources: Mapping[str, str] | None = None) -> list[Fault]:
    """Return what `serve` refuses: settings that are right for development only."""
    sources = sources or {}
    found = []
    parts = urlsplit(settings.issuer)
    loopback = is_loopback(parts.hostname or "")

    def refuse(key: str, problem: str, remedy: str) -> None:
        found.append(Fault(key, sources.get(key, "default"), problem, remedy))

    if settings.development:
        refuse("development", "is on; it shows internals to anyone", "development = false   # or run: idp dev")
    if parts.scheme != "https" and not loopback and not settings.allow_http_issuer:
        refuse("issuer", "is http; passwords would travel in clear text", 'issuer = "https://login.example.org"')
    if not loopback:
        for key in ("allow_loopback_clients", "allow_loopback_outbound"):
            if getattr(settings, key):
                refuse(key, "is on for a public issuer; it is meant for one machine only", f"{key} = false")
    return found


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine (RFC 6761 §6.3)."""
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")


def defaults() -> Iterator[tuple[str, str, str]]:
    """Yield (key, default, description) of every setting, for the reference."""
    yield from _described(Settings, "", Settings())


def _described(model: type[BaseModel], prefix: str, value: BaseModel) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        inner = getattr(value, name)
        if isinstance(inner, BaseModel):
            yield from _described(type(inner), f"{prefix}{name}.", inner)
        else:
            yield f"{prefix}{name}", _show(inner), field.description or ""


def _leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _show(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else "" if value is None else str(value)


def _from_file(path: Path, required: bool, faults: list[Fault]) -> dict[str, Any]:
    try:
        return dict(_flatten(tomllib.loads(path.read_text("utf-8"))))
    except FileNotFoundError:
        if required:
            faults.append(Fault(CONFIG, "environment", f"names {path}, which does not exist", f"unset {CONFIG}"))
    except (OSError, ValueError) as error:
        faults.append(Fault(str(path), "file", f"cannot be read: {error}", "Mend the file, or move it away."))
    return {}


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _from_environment(environ: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name == CONFIG:
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        if key.endswith("_file") and key not in dict(_leaves(Settings())):
            key, text = key.removesuffix("_file"), _read_secret(name, Path(text), faults)
        found[key] = tuple(part.strip() for part in text.split(",")) if key == "trusted_proxies" else text
    return found


def _read_secret(name: str, path: Path, faults: list[Fault]) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        faults.append(
            Fault(name, "environment", f"cannot read {path}: {error}", "Make the file readable to the provider.")
        )
        return ""


def _unknown(values: Mapping[str, Any], sources: Mapping[str, str]) -> list[Fault]:
    known = [key for key, _ in _leaves(Settings())]
    faults = []
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            remedy = (
                f"Did you mean {close[0]}?" if close else "Remove it; docs/reference/settings.md lists all settings."
            )
            faults.append(Fault(key, sources[key], "is not a setting", remedy))
    return faults


def _validate(values: Mapping[str, Any], sources: Mapping[str, str], faults: list[Fault]) -> Settings | None:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        group, _, name = key.rpartition(".")
        (nested.setdefault(group, {}) if group else nested)[name] = value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            key = ".".join(str(part) for part in item["loc"][:2] if not isinstance(part, int))
            faults.append(Fault(key, sources.get(key, "default"), item["msg"], "Give a value of that kind."))
        return None
