"""`idp serve`: the provider for real."""

import gc

import click

from idp.cli.config import refuse_unsafe
from idp.cli.opening import Program, pass_program


@click.command()
@click.option("--issuer", help="The issuer identifier.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", help="Port to listen on.")
@click.option("--workers", help="Processes that serve.")
@pass_program
def serve(program: Program, issuer: str | None, host: str | None, port: str | None, workers: str | None) -> None:
    """Run the provider. Refuses unsafe settings, naming each and its remedy.

    With several workers SIGHUP replaces them one after the other, without turning anyone away."""
    # A start keeps nearly all that it makes; to look for garbage in it takes a tenth of its time. Once it serves, there
    # are collections again.
    gc.disable()
    # What runs the server needs half a second to load, and `idp --help` reads this module too.
    from idp.cli.running import run

    program = program.overridden(issuer=issuer, host=host, port=port, workers=workers)
    refuse_unsafe(program)
    run(program.settings)
