"""`idp version`."""

import click

from idp import __version__


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)
