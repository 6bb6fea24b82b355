"""The composition root: the only module that knows every other, and where the parts are wired by constructor arguments.

Nothing happens at import. `create_app(settings)` gives an ASGI application whose lifespan starts and stops the threads.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from idp.accounts import mails
from idp.accounts.audit import record
from idp.accounts.sessions import Sessions
from idp.authentication import breaches
from idp.authentication.methods.password import Passwords
from idp.authentication.new_passwords import NewPasswords
from idp.authentication.sign_in import SignIn
from idp.authentication.throttle import Throttling
from idp.clock import Clock, SystemClock
from idp.heap import Heap
from idp.jose.key_files import load_or_create, parse_key_encryption_key
from idp.jose.key_plan import KeyPolicy
from idp.jose.keys import KeyRing
from idp.jose.rotation import KeyChange, KeyLifeCycle
from idp.jose.sealing import KeyEncryptionKey
from idp.jose.signing import TokenSigner
from idp.logout_delivery import LogoutDelivery
from idp.mail_delivery import MailDelivery
from idp.outbound.development_mail import DevelopmentMail
from idp.outbound.documents import Documents
from idp.outbound.guard import OutboundClient, Trust, trust
from idp.outbound.mail import MailServer
from idp.outbound.outbox import OutboxWorker
from idp.protocol.context import Server
from idp.protocol.registry import Registry
from idp.settings import Settings, load_settings
from idp.specs import SPECS, backchannel_logout
from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.sql.storage import SqlStorage
from idp.upkeep import Upkeep
from idp.web.cookies import Cookies
from idp.web.edge import Edge
from idp.web.errors import Refusals
from idp.web.mailing import Composer
from idp.web.parsing import Parser
from idp.web.presenting import Presenter
from idp.web.rendering import Renderer
from idp.web.routes import build_application
from idp.web.theming import report, theme_of

HOUSEKEEPING_CONNECTIONS = 6


def build_registry() -> Registry:
    """Return the registry of all specifications. Raises `Conflict`."""
    return Registry(SPECS)


def open_storage(settings: Settings, *, may_create: bool = True) -> SqlStorage:
    """Return the database that the settings name; nothing is read yet, and a file is made only if it may be.

    Raises `NoDatabase`, `StorageUnavailable`."""
    # The threads that run the core, those that hash, and a few that keep house, deliver and read the keys.
    connections = settings.worker_threads + settings.argon2.concurrent + HOUSEKEEPING_CONNECTIONS
    return SqlStorage(settings.database_url, connections=connections, may_create=may_create)


def open_vault(settings: Settings, storage: Storage) -> KeyEncryptionKey:
    """Return the key-encryption key; one is made only while no signing key depends on another (R20).

    Raises `UnusableKey`."""
    with storage.snapshot() as uow:
        is_new = not uow.signing_keys.list()
    return load_vault(settings, may_create=is_new)


def load_vault(settings: Settings, *, may_create: bool) -> KeyEncryptionKey:
    """Return the key-encryption key that the settings name; its file is made only if it may be. Raises
    `UnusableKey`."""
    if settings.key_encryption_key is not None:
        return parse_key_encryption_key(settings.key_encryption_key.get_secret_value(), "key_encryption_key")
    return load_or_create(settings.key_encryption_key_file, may_create=may_create)


def build_key_life_cycle(settings: Settings, storage: Storage, vault: KeyEncryptionKey) -> KeyLifeCycle:
    """Return what makes, rotates and removes the signing keys, with its audit."""
    lifetimes, keys = settings.lifetimes, settings.keys
    # An expired ID Token comes back as a hint at sign-out, for as long as a session lasts.
    longest_use = max(lifetimes.access_token_seconds, lifetimes.id_token_seconds, lifetimes.session_seconds)
    policy = KeyPolicy(
        rotation_seconds=keys.rotation_seconds,
        publish_ahead_seconds=keys.publish_ahead_seconds,
        published_after_seconds=longest_use + keys.jwks_max_age_seconds,
        algorithms=(*keys.algorithms, *keys.decryption_algorithms),
    )
    return KeyLifeCycle(storage, vault, policy, _audit_key_change)


def _audit_key_change(uow: UnitOfWork, change: KeyChange, now: int) -> None:
    record(uow, f"key.{change.action}", now=now, kid=change.kid, alg=change.alg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The parts of a provider that are not up to a single request."""

    server: Server
    sign_in: SignIn
    new_passwords: NewPasswords
    upkeep: Upkeep
    heap: Heap
    outbox: OutboxWorker
    kept_mails: DevelopmentMail | None = None


def build_provider(settings: Settings, storage: Storage, clock: Clock) -> Provider:
    """Wire a provider over a migrated database. Raises `UnusableKey`, `UnusableAuthorities`,
    `StorageUnavailable`, `Conflict`."""
    registry = build_registry()
    vault = open_vault(settings, storage)
    life_cycle = build_key_life_cycle(settings, storage, vault)
    life_cycle.tick(clock.now())
    keys = KeyRing(storage, vault, clock)
    keys.refresh()
    tokens = TokenSigner(keys)
    authorities = partial(trust, settings.outbound_ca_file)
    # A file that somebody named is read now, so that one with a fault stops the start; those of the system, a hundred
    # and more, when the first certificate is to be verified.
    if settings.outbound_ca_file is not None:
        authorities()
    client = OutboundClient(
        allow_loopback=settings.allow_loopback_outbound,
        authorities=authorities,
        trusted_hosts=settings.outbound_hosts,
    )
    throttle = Throttling(settings.throttle)
    server = Server(
        settings=settings,
        clock=clock,
        storage=storage,
        registry=registry,
        keys=keys,
        tokens=tokens,
        vault=vault,
        documents=Documents(client, clock),
        sessions=Sessions(settings.lifetimes, registry.on_session_ended),
        throttle=throttle,
    )
    delivery = LogoutDelivery(server, client)
    kept_mails = DevelopmentMail() if settings.development and not settings.mail.host else None
    mail_server = kept_mails or (MailServer(settings, authorities) if settings.mail.host else None)
    mail = MailDelivery(server, Composer(settings).compose, mail_server.send if mail_server else None)
    deliverers = {backchannel_logout.KIND: delivery.deliver, mails.KIND: mail.deliver}
    outbox = OutboxWorker(storage, clock, deliverers, poll_seconds=0.5)
    heap = Heap()
    passwords = Passwords(settings.argon2, heap.used)
    sign_in = SignIn(storage, clock, passwords, throttle)
    new_passwords = NewPasswords(passwords, _breach_check(settings, authorities))
    upkeep = Upkeep(storage, clock, life_cycle, server.sessions)
    return Provider(
        server=server,
        sign_in=sign_in,
        new_passwords=new_passwords,
        upkeep=upkeep,
        heap=heap,
        outbox=outbox,
        kept_mails=kept_mails,
    )


def _breach_check(settings: Settings, authorities: Trust) -> Callable[[str], bool] | None:
    """Return what asks whether a password is known from a breach, if the settings name a service for that."""
    url = settings.password.breach_check_url
    if not url:
        return None
    client = OutboundClient(
        allow_loopback=settings.allow_loopback_outbound,
        authorities=authorities,
        deadline_seconds=breaches.DEADLINE_SECONDS,
        trusted_hosts=settings.outbound_hosts,
        # Hides from whoever watches the wire how many passwords the answer holds.
        headers={"Add-Padding": "true"},
    )
    return breaches.Breaches(url, partial(client.get, max_bytes=breaches.MOST_BYTES)).has


def build_application_of(provider: Provider) -> ASGIApp:
    """Return the ASGI application of a provider; its lifespan runs the provider's threads."""
    settings = provider.server.settings
    remembered = settings.lifetimes.remembered_session_seconds
    cookies = Cookies(secure=settings.issuer.startswith("https:"), remembered_seconds=remembered)
    theme = theme_of(settings)
    report(theme)
    renderer = Renderer(
        settings.product_name,
        development=settings.development,
        base_path=urlsplit(settings.issuer).path,
        theme=theme,
    )
    edge = Edge(
        provider.server,
        Parser(cookies, settings.trusted_proxies),
        cookies,
        Presenter(renderer, settings, state_cookie=cookies.state_name),
        Refusals(development=settings.development),
        wake_outbox=provider.outbox.wake,
    )

    @asynccontextmanager
    async def lifespan(_router: None) -> AsyncIterator[None]:
        provider.heap.start()
        provider.upkeep.start()
        provider.outbox.start()
        yield
        provider.outbox.stop(timeout_seconds=settings.shutdown_seconds)
        provider.upkeep.stop()
        provider.heap.stop()
        edge.close()
        provider.server.storage.close()

    return build_application(edge, settings, provider.sign_in, provider.new_passwords, lifespan, provider.kept_mails)


def create_app(settings: Settings | None = None, storage: SqlStorage | None = None) -> ASGIApp:
    """Return the ASGI application; for `uvicorn --factory idp.app:create_app` the settings are loaded here.

    Migrates the database, makes keys at the first start. Raises `BadSettings`, `UnusableKey`, `StorageUnavailable`."""
    settings = settings or load_settings().settings
    storage = storage or open_storage(settings)
    if settings.migrate_on_start:
        storage.migrate()
    storage.check()
    return build_application_of(build_provider(settings, storage, SystemClock()))
