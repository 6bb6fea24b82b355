"""`idp version`."""

import platform

import click

from idp import __version__
from idp.cli.output import as_json, show_json


@click.command()
@as_json
def version(json_: bool) -> None:
    """Print the version."""
    if json_:
        show_json({"version": __version__, "python": platform.python_version()})
    else:
        click.echo(__version__)
