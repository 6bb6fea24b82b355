"""`idp resource`: protected resources, the audiences of access tokens (RFC 8707)."""

import click

from idp.accounts.audit import record
from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, show_rows
from idp.exchange.outcome import Wrong
from idp.exchange.resources import check_scope
from idp.specs.resource_indicators import parse_resource
from idp.stores.records import Resource


@click.group()
def resource() -> None:
    """Manage protected resources (APIs)."""


@resource.command()
@click.argument("identifier")
@click.option("--name", help="The name that people see; by default the identifier.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE=TITLE", help="Repeatable.")
@click.option("--client", "client_id", help="The client as which the API itself introspects tokens.")
@pass_program
def add(program: Program, identifier: str, name: str | None, scopes: tuple[str, ...], client_id: str | None) -> None:
    """Register a resource by its indicator, an absolute URI; or change it."""
    parse_resource(identifier)
    titles = dict(_parse_scope(program, text) for text in scopes)
    with program.writing() as uow:
        if client_id is not None and uow.clients.find(client_id) is None:
            raise Failure(f"There is no client {client_id!r}.", next_step="idp client list")
        uow.resources.put(Resource(identifier=identifier, name=name or identifier, scopes=titles, client_id=client_id))
        record(uow, "resource.changed", now=program.now, client_id=client_id, identifier=identifier)
    click.echo(f"Registered {identifier}")


@resource.command("list")
@as_json
@pass_program
def list_(program: Program, json_: bool) -> None:
    """List the resources."""
    with program.reading() as uow:
        found = uow.resources.list()
    rows = [
        {"identifier": one.identifier, "name": one.name, "scopes": list(one.scopes), "client": one.client_id}
        for one in found
    ]
    show_rows(rows, json_, "There are no resources; register one: idp resource add URI --scope read=Read")


def _parse_scope(program: Program, text: str) -> tuple[str, str]:
    scope, _, title = text.partition("=")
    try:
        check_scope(scope, program.registry)
    except Wrong as fault:
        raise click.UsageError(str(fault)) from None
    return scope, title or scope
