"""`idp serve` and `idp dev`."""

import sys

import click
import uvicorn

from idp.cli.config import refuse_unsafe
from idp.cli.opening import Program, guarded, pass_program
from idp.observe.logging import configure_logging
from idp.settings import Settings

DEVELOPMENT = {
    "development": True,
    "host": "127.0.0.1",
    "allow_loopback_clients": True,
    "allow_loopback_outbound": True,
}


@click.command()
@pass_program
@guarded
def serve(program: Program) -> None:
    """Run the provider. Refuses unsafe settings, naming each and its remedy."""
    refuse_unsafe(program)
    run(program.settings)


@click.command()
@pass_program
@guarded
def dev(program: Program) -> None:
    """Run the provider for development: on loopback only, every page stamped."""
    run(Program(program.overrides | DEVELOPMENT).settings)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    from idp.app import create_app

    configure_logging(settings.log_level, settings.log_format)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            log_config=None,
            # It would print query strings, in which there are codes and hints.
            access_log=False,
            server_header=False,
            # Our own parser believes only the proxies that the settings name.
            proxy_headers=False,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            # What one peer may send before its headers end: httptools has no bound of its own.
            h11_max_incomplete_event_size=65_536,
            http="h11" if not settings.trusted_proxies else "httptools",
            ws="none",
        )
    )
    server.run()
    if not server.started:
        sys.exit(1)
