"""Running a provider: log, address, application, in the order in which each can fail harmlessly; in this process, or in
several workers."""

import logging
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack, closing
from threading import Event

from idp.app import build_key_life_cycle, create_app, open_storage, open_vault
from idp.cli.failures import Failure
from idp.cli.workers import Supervisor
from idp.clock import SystemClock, monotonic
from idp.observe.logging import configure_logging
from idp.settings import Settings, switched_on
from idp.stores.interfaces import Storage
from idp.web.serving import Supervised, claim_address, claim_places, leave_out_of_collections, serve
from idp.web.tls import server_context

_log = logging.getLogger("idp.cli")
# After a power cut all machines start at once, and a replaced worker may find the database away as well. Longer than
# what the supervisor takes for a short life: a worker that waits is not one that cannot start.
PATIENCE_SECONDS = 30.0
NOT_STARTED = "The provider did not start; the log says why."


def run(settings: Settings, prepare: Callable[[Storage], None] | None = None) -> None:
    """Serve until a signal, then finish what is under way. `prepare` may fill the migrated database beforehand.

    Raises `CannotListen`, `StorageUnavailable`, `UnusableKey`, `UnusableCertificate`, `Failure`."""
    log = configure_logging(settings.log_level, settings.log_format)
    for name in switched_on(settings):
        _log.warning("a dangerous switch is on", extra={"setting": name})
    if settings.workers == 1:
        with claim_address(settings.host, settings.port) as listening:
            served = _serve(settings, listening, prepare)
    else:
        served = _supervise(settings, prepare)
    log.let_go()
    if not served:
        raise Failure(NOT_STARTED)


def _serve(
    settings: Settings,
    listening: socket.socket,
    prepare: Callable[[Storage], None] | None = None,
    supervised: Supervised | None = None,
) -> bool:
    tls = None
    if settings.tls_certificate_file and settings.tls_key_file:
        tls = server_context(settings.tls_certificate_file, settings.tls_key_file)
    storage = open_storage(settings)
    await_database(storage.is_away, storage.place)
    if supervised is None:
        storage.check_whole()
    application = create_app(settings, storage)
    if prepare is not None:
        prepare(storage)
    _log.info("starting", extra={"issuer": settings.issuer, "home": str(settings.home)})
    return serve(
        application,
        listening,
        shutdown_seconds=settings.shutdown_seconds,
        is_https=settings.issuer.startswith("https:"),
        tls=tls,
        supervised=supervised,
    )


def _supervise(settings: Settings, prepare: Callable[[Storage], None] | None) -> bool:
    """Do once what is done once, and leave nothing open that a worker must not share."""
    if settings.tls_certificate_file and settings.tls_key_file:
        server_context(settings.tls_certificate_file, settings.tls_key_file)
    with ExitStack() as opened:
        places = [opened.enter_context(p) for p in claim_places(settings.host, settings.port, settings.workers)]
        with closing(open_storage(settings)) as storage:
            await_database(storage.is_away, storage.place)
            storage.check_whole()
            if settings.migrate_on_start:
                storage.migrate()
            storage.check()
            build_key_life_cycle(settings, storage, open_vault(settings, storage)).tick(SystemClock().now())
            if prepare is not None:
                prepare(storage)
        # Before there are workers, who so share with each other what no collection touches.
        leave_out_of_collections()
        supervisor = os.getpid()

        def work(listening: socket.socket, serves: Callable[[], None]) -> int:
            configure_logging(settings.log_level, settings.log_format, worker=os.getpid())
            return 0 if _serve(settings, listening, supervised=Supervised(supervisor, serves)) else 1

        return Supervisor(places, work, shutdown_seconds=settings.shutdown_seconds).run()


def await_database(is_away: Callable[[], bool], place: str) -> None:
    """Wait for a database server that does not answer yet, within bounds; what is wrong then, using it says."""
    gives_up_at = monotonic() + PATIENCE_SECONDS
    while is_away() and monotonic() < gives_up_at:
        _log.warning("the database does not answer; waiting", extra={"place": place})
        Event().wait(1)
