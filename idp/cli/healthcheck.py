"""`idp healthcheck`: for containers and timers."""

import http.client

import click

from idp.cli.opening import Program, pass_program


@click.command()
@pass_program
def healthcheck(program: Program) -> None:
    """Ask the provider on this machine whether it is ready; exit with 1 if not."""
    host = "127.0.0.1" if program.settings.host in {"0.0.0.0", "::"} else program.settings.host  # noqa: S104
    connection = http.client.HTTPConnection(host, program.settings.port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        status = connection.getresponse().status
    except OSError as error:
        raise click.ClickException(f"No answer from {host}:{program.settings.port}: {error}") from None
    finally:
        connection.close()
    if status != 200:
        raise click.ClickException(f"Not ready: the answer was {status}; the log says why.")
    click.echo("ready")
