"""`idp healthcheck`: for containers and timers."""

import http.client
import ssl

import click

from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.settings import Settings

_TIMEOUT_SECONDS = 5.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked about, not listened on


@click.command()
@click.option("--live", is_flag=True, help="Only whether it runs, not whether its database and keys can be used.")
@pass_program
def healthcheck(program: Program, live: bool) -> None:
    """Ask the provider on this machine whether it is ready; exit with 1 if not."""
    status = ask_provider(program.settings, "/health/live" if live else "/health/ready")
    if status is None:
        where = f"{_address(program.settings)}, port {program.settings.port}"
        raise Failure(f"Nothing answers on {where}.", next_step="idp serve")
    if status != 200:
        raise Failure(f"It answers, and is not ready (status {status}).", next_step="look into its log")
    click.echo("live" if live else "ready")


def ask_provider(settings: Settings, path: str) -> int | None:
    """Return the status that the provider of these settings gives for a path; None if nothing answers."""
    return ask(_address(settings), settings.port, path, tls=settings.tls_certificate_file is not None)


def _address(settings: Settings) -> str:
    return _EVERY_ADDRESS.get(settings.host, settings.host)


def ask(host: str, port: int, path: str, name: str | None = None, *, tls: bool = False) -> int | None:
    """Return the status that a server on this machine gives for a path, under a host name; None without an answer."""
    connection = _secured(host, port) if tls else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"host": name} if name else {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _secured(host: str, port: int) -> http.client.HTTPSConnection:
    """Nothing is sent or believed but a status, and the certificate is made out to the issuer, not to this address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
