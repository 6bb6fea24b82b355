"""Running a provider in this process: log, address, application, in the order in which each can fail harmlessly."""

import logging
from collections.abc import Callable

from idp.app import create_app, open_storage
from idp.cli.failures import Failure
from idp.observe.logging import configure_logging
from idp.settings import Settings, switched_on
from idp.stores.interfaces import Storage
from idp.web.serving import claim_address, serve
from idp.web.tls import server_context

_log = logging.getLogger("idp.cli")


def run(settings: Settings, prepare: Callable[[Storage], None] | None = None) -> None:
    """Serve until a signal, then finish what is under way. `prepare` may fill the migrated database beforehand.

    Raises `CannotListen`, `StorageUnavailable`, `UnusableKey`, `UnusableCertificate`, `Failure`."""
    log = configure_logging(settings.log_level, settings.log_format)
    for name in switched_on(settings):
        _log.warning("a dangerous switch is on", extra={"setting": name})
    tls = None
    if settings.tls_certificate_file and settings.tls_key_file:
        tls = server_context(settings.tls_certificate_file, settings.tls_key_file)
    with claim_address(settings.host, settings.port) as listening:
        storage = open_storage(settings)
        application = create_app(settings, storage)
        if prepare is not None:
            prepare(storage)
        _log.info("starting", extra={"issuer": settings.issuer, "home": str(settings.home)})
        is_proxied = bool(settings.trusted_proxies)
        served = serve(
            application,
            listening,
            shutdown_seconds=settings.shutdown_seconds,
            behind_proxy=is_proxied,
            tls=tls,
        )
    log.let_go()
    if not served:
        raise Failure("The provider did not start; the log says why.")
