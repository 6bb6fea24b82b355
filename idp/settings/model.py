"""The settings themselves: frozen, each with a safe default, its bounds and one line that says what it is."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic.fields import FieldInfo

from idp.settings.group import Group
from idp.settings.people import Accounts, Password, SecondFactor, SignUp
from idp.settings.theme import Theme
from idp.settings.values import (
    check_database_url,
    check_issuer,
    check_language,
    check_mail_address,
    check_mail_host,
    check_network,
    check_outbound_host,
    check_printable,
)

MINUTE, HOUR, DAY = 60, 3_600, 86_400
YEAR = 365 * DAY
SigningAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
# What is secret may also come from a file, and is masked wherever settings are shown.
SECRET: dict[str, Any] = {"secret": True}


class Lifetimes(Group):
    """How long things live, in seconds."""

    code_seconds: int = Field(default=60, ge=1, le=60, description="Authorization code (RFC 6749 §4.1.2).")
    access_token_seconds: int = Field(default=5 * MINUTE, ge=10, le=DAY, description="Access token.")
    id_token_seconds: int = Field(default=5 * MINUTE, ge=10, le=DAY, description="ID Token.")
    refresh_token_seconds: int = Field(
        default=14 * DAY, ge=MINUTE, le=YEAR, description="Refresh token that is not used."
    )
    refresh_grace_seconds: int = Field(
        default=10,
        ge=0,
        le=MINUTE,
        description="How long a spent refresh token may come again without ending its family.",
    )
    grant_seconds: int = Field(
        default=90 * DAY, ge=MINUTE, le=5 * YEAR, description="All refresh tokens of one sign-in together."
    )
    interaction_seconds: int = Field(default=30 * MINUTE, ge=MINUTE, le=DAY, description="A sign-in under way.")
    session_idle_seconds: int = Field(default=2 * HOUR, ge=MINUTE, le=YEAR, description="Session without activity.")
    session_seconds: int = Field(default=12 * HOUR, ge=MINUTE, le=YEAR, description="Session at the longest.")
    remembered_session_seconds: int = Field(
        default=30 * DAY, ge=MINUTE, le=YEAR, description="Session at the longest, with `Keep me signed in`."
    )
    client_secret_grace_seconds: int = Field(
        default=DAY, ge=0, le=YEAR, description="The old client secret after a rotation."
    )
    reset_link_seconds: int = Field(
        default=HOUR, ge=MINUTE, le=HOUR, description="Link in a mail with which a new password is set."
    )
    sign_up_link_seconds: int = Field(
        default=HOUR, ge=MINUTE, le=HOUR, description="Link in a mail with which somebody signs up."
    )
    logout_token_seconds: int = Field(
        default=2 * MINUTE, ge=10, le=2 * MINUTE, description="Logout token (OIDC Back-Channel Logout §2.4)."
    )


class Argon2(Group):
    """Password hashing (RFC 9106). Changed parameters are applied to an account at its next sign-in."""

    memory_kib: int = Field(default=19_456, ge=8, le=4_194_304, description="Memory of one hash, in KiB.")
    iterations: int = Field(default=2, ge=1, le=100, description="Passes over the memory.")
    parallelism: int = Field(default=1, ge=1, le=64, description="Lanes.")
    concurrent: int = Field(default=2, ge=1, le=64, description="Hashes computed at the same time by one process.")


class Keys(Group):
    """The signing keys' life cycle."""

    rotation_seconds: int = Field(
        default=90 * DAY, ge=MINUTE, le=5 * YEAR, description="Age at which the active key gives way."
    )
    publish_ahead_seconds: int = Field(
        default=DAY, ge=0, le=YEAR, description="How long a key is published before it signs."
    )
    jwks_max_age_seconds: int = Field(
        default=5 * MINUTE, ge=0, le=DAY, description="How long JWKS and discovery may be cached."
    )
    algorithms: tuple[SigningAlgorithm, ...] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"),
        min_length=1,
        description="What tokens can be signed with; each has keys of its own. RS256 must be among them.",
    )
    decryption_algorithms: tuple[Literal["RSA-OAEP-256", "ECDH-ES"], ...] = Field(
        default=("RSA-OAEP-256", "ECDH-ES"),
        description="What clients can encrypt request objects to us with; each has keys of its own.",
    )


class Throttle(Group):
    """How much is allowed within a window."""

    window_seconds: int = Field(default=15 * MINUTE, ge=10, le=DAY, description="Length of the window.")
    per_account: int = Field(default=10, ge=1, description="Sign-ins for one name.")
    per_second_factor: int = Field(default=5, ge=1, description="Tries of second factors for one account.")
    per_address: int = Field(default=100, ge=1, description="Sign-ins from one address (one /64 of IPv6).")
    failures_of_everybody: int = Field(
        default=1_000,
        ge=10,
        description="Failed sign-ins of everybody, from which on an address has a tenth while more fail than succeed.",
    )
    per_client: int = Field(default=100, ge=1, description="Failed client authentications from one address.")
    registrations: int = Field(default=20, ge=1, description="Registrations of clients from one address (RFC 7591).")
    sign_ups: int = Field(default=20, ge=1, description="Mails asked for on the sign-up page from one address.")
    reset_mails: int = Field(
        default=5,
        ge=1,
        description="Mails with a link, to one account or e-mail address and for one purpose, within an hour.",
    )


class Mail(Group):
    """The mail server. Without one, what needs mail is off."""

    host: Annotated[str, AfterValidator(check_mail_host)] = Field(
        default="", description="Mail server (SMTP). Empty: no mail, but in development on the page /dev/mail."
    )
    port: int = Field(default=587, ge=1, le=65_535, description="Its port; 465 usually goes with `tls`.")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="Encryption, with the certificate verified; `none` needs allow_insecure_mail."
    )
    user: Annotated[str, AfterValidator(check_printable)] = Field(
        default="", description="Name to sign in to the mail server by; empty for none."
    )
    password: SecretStr | None = Field(default=None, description="Its password.", json_schema_extra=SECRET)
    sender: Annotated[str, AfterValidator(check_mail_address)] = Field(
        default="", description="Address that mails come from."
    )


class Settings(Group):
    """All settings of one provider."""

    issuer: Annotated[str, AfterValidator(check_issuer)] = Field(
        default="http://idp.localhost:9000", description="The issuer identifier, byte for byte as clients see it."
    )
    product_name: Annotated[str, AfterValidator(check_printable)] = Field(
        default="Signet", min_length=1, max_length=60, description="The name that pages show."
    )
    default_locale: Annotated[str, AfterValidator(check_language)] = Field(
        default="en", description="Language of pages and mails for who asks for none that there is."
    )
    home: Path = Field(default=Path(".signet"), description="Directory of the database, when no other is named.")
    database_url: Annotated[str, AfterValidator(check_database_url)] = Field(
        default="",
        description="Database: a SQLite file, or `postgresql://user:password@host/name`; SQLite in `home` when empty.",
        json_schema_extra=SECRET,
    )
    key_encryption_key_file: Path = Field(
        default=Path("keys/key-encryption.key"),
        description="File of the key that seals the signing keys; made at the first start.",
    )
    key_encryption_key: SecretStr | None = Field(
        default=None,
        description="That key itself, 32 random bytes in base64, instead of the file.",
        json_schema_extra=SECRET,
    )
    migrate_on_start: bool = Field(
        default=True, description="Let `serve` bring the database schema up to date; otherwise run `idp migrate`."
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=9000, ge=1, le=65_535, description="Port to listen on.")
    tls_certificate_file: Path | None = Field(
        default=None, description="Certificate chain in PEM, to serve https without a proxy; with `tls_key_file`."
    )
    tls_key_file: Path | None = Field(default=None, description="Its private key in PEM, without a password.")
    outbound_ca_file: Path | None = Field(
        default=None, description="Certificate authorities in PEM that outbound calls trust beside the system's."
    )
    outbound_hosts: tuple[Annotated[str, AfterValidator(check_outbound_host)], ...] = Field(
        default=(),
        description="Hosts, or host:port, that outbound calls may reach at private and loopback addresses, by https.",
    )
    trusted_proxies: tuple[Annotated[str, AfterValidator(check_network)], ...] = Field(
        default=(), description="Addresses or networks whose X-Forwarded-For is believed."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that serve; what is said of threads and queues is for each."
    )
    worker_threads: int = Field(
        default=0,
        ge=0,
        le=128,
        description="Threads that run the core; with SQLite pages take one, with PostgreSQL everything does. 0 means 2 "
        "with SQLite, 4 with PostgreSQL. More pays off only with a database that is far away: otherwise they keep each "
        "other waiting.",
    )
    queue_limit: int = Field(
        default=256, ge=1, le=65_536, description="Requests that may wait for their turn; more get 503."
    )
    shutdown_seconds: int = Field(
        default=10, ge=0, le=600, description="How long requests under way may take at a stop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="JSON lines, or text; `auto` is text on a terminal only."
    )
    profile: Literal["strict", "oidc_legacy"] = Field(
        default="strict",
        description="`oidc_legacy` admits implicit and hybrid flows and requests without PKCE, for every client.",
    )
    registration: Literal["off", "token", "open"] = Field(
        default="off",
        description="Who may register clients over HTTP (RFC 7591): nobody, who has an initial access token, anyone.",
    )
    most_registered_clients: int = Field(
        default=10_000, ge=1, le=1_000_000, description="How many clients that registered themselves are kept."
    )
    development: bool = Field(default=False, description="Stamp every page, show developers' facts on error pages.")
    allow_http_issuer: bool = Field(default=False, description="Serve an http issuer that is not on loopback.")
    allow_loopback_clients: bool = Field(default=False, description="Let web clients use http on loopback names.")
    allow_loopback_outbound: bool = Field(default=False, description="Deliver logout notices to loopback addresses.")
    allow_any_host: bool = Field(default=False, description="Answer requests whose Host is not the issuer's.")
    allow_mailed_codes: bool = Field(
        default=False, description="Let a code by mail be the second factor of accounts that have no better one."
    )
    allow_insecure_mail: bool = Field(default=False, description="Let mail go to its server without encryption.")
    lifetimes: Lifetimes = Field(default=Lifetimes(), description="How long things live.")
    argon2: Argon2 = Field(default=Argon2(), description="Password hashing.")
    keys: Keys = Field(default=Keys(), description="Signing keys.")
    throttle: Throttle = Field(default=Throttle(), description="Limits on tries.")
    mail: Mail = Field(default=Mail(), description="The mail server.")
    theme: Theme = Field(default=Theme(), description="How the pages look.")
    accounts: Accounts = Field(default=Accounts(), description="What owners do with their accounts.")
    sign_up: SignUp = Field(default=SignUp(), description="Who may make an account.")
    password: Password = Field(default=Password(), description="What new passwords are compared with.")
    second_factor: SecondFactor = Field(default=SecondFactor(), description="Who needs a second factor.")

    def model_post_init(self, _context: Any) -> None:
        """Fill in what follows from other settings: the database from `home`, the threads from the database."""
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.home / 'signet.sqlite3'}")
        if not self.worker_threads:
            # Measured: Python runs one thread at a time, and each statement of a database hands that right around.
            object.__setattr__(self, "worker_threads", 2 if self.database_url.startswith("sqlite") else 4)

    @property
    def sends_mail(self) -> bool:
        """Whether mails reach anyone: by a server, or in development on a page."""
        return bool(self.mail.host) or self.development

    def __hash__(self) -> int:
        """Hash by identity: settings are made once and are a key of caches on the hot path."""
        return id(self)


# Switches that weaken the provider; `serve` logs each one that is on.
DANGEROUS = ("development", *(name for name in Settings.model_fields if name.startswith(("allow_", "insecure_"))))


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _fields(type(field.default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


FIELDS: Mapping[str, FieldInfo] = dict(_fields(Settings))
"""Every setting by its dotted key, as in `lifetimes.code_seconds`."""


def value_of(settings: Settings, key: str) -> Any:
    """Return the value of a dotted key."""
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def is_secret(key: str) -> bool:
    """Tell whether a setting holds something that must not be shown."""
    return FIELDS[key].json_schema_extra == SECRET


def environment_name(key: str) -> str:
    """Return the environment variable of a setting."""
    return "IDP_" + key.upper().replace(".", "__")


def toml_value(value: Any) -> str:
    """Return a value as it is written in `idp.toml`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return str(value) if isinstance(value, int) else json.dumps("" if value is None else str(value))
