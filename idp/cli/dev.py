"""`idp dev`: the provider for developing an application against it."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from idp.cli.development import development_settings, write_config
from idp.cli.failures import WrongUse
from idp.cli.opening import Program, pass_program
from idp.settings import Settings, is_loopback


@click.command()
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".signet/dev"),
    show_default=True,
    help="Directory of its database and keys.",
)
@click.option("--temporary", is_flag=True, help="Keep nothing: a home that is removed at the end.")
@click.option("--port", type=click.IntRange(1, 65_535), default=9000, show_default=True, help="Port to listen on.")
@pass_program
def dev(program: Program, home: Path, temporary: bool, port: int) -> None:
    """Run the provider for development: on loopback only, every page stamped."""
    if not temporary:
        _run(program, home, port)
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="signet-") as directory:
        _run(program, Path(directory), port)


def _run(program: Program, home: Path, port: int) -> None:
    from idp.cli.running import run

    config = program.config or write_config(home, development_settings(home, port))
    settings = replace(program, config=config).settings
    _check_loopback(settings)
    click.echo(f"For development only: {settings.issuer}, state in {settings.home}. Stop with Ctrl-C.", err=True)
    click.echo(f"Accounts and clients: idp --config {config} user add NAME", err=True)
    run(settings)


def _check_loopback(settings: Settings) -> None:
    if not is_loopback(urlsplit(settings.issuer).hostname or "") or not is_loopback(settings.host):
        raise WrongUse(
            f"`idp dev` serves this machine only, not {settings.issuer} on {settings.host}.",
            expected="an issuer and a host on loopback, such as http://idp.localhost:9000 and 127.0.0.1",
            next_step="idp serve, for a provider that others use",
        )
