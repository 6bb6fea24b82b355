"""`idp resource`: protected resources, the audiences of access tokens (RFC 8707)."""

import click

from idp.accounts.audit import record
from idp.cli.opening import Program, guarded, pass_program
from idp.cli.output import as_json, show_rows
from idp.protocol.errors import ProtocolError
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
@guarded
def add(program: Program, identifier: str, name: str | None, scopes: tuple[str, ...], client_id: str | None) -> None:
    """Register a resource by its indicator, an absolute URI; or change it."""
    try:
        parse_resource(identifier)
    except ProtocolError as fault:
        raise click.UsageError(fault.description) from None
    titles = {scope.partition("=")[0]: scope.partition("=")[2] or scope for scope in scopes}
    taken = set(titles) & set(program.registry.scopes)
    if taken:
        raise click.UsageError(f"These scopes are the provider's own: {', '.join(sorted(taken))}.")
    with program.writing() as uow:
        found = Resource(identifier=identifier, name=name or identifier, scopes=titles, client_id=client_id)
        uow.resources.put(found)
        record(uow, "resource.changed", now=program.now, client_id=client_id, identifier=identifier)
    click.echo(f"Registered {identifier}")


@resource.command("list")
@as_json
@pass_program
@guarded
def list_(program: Program, json_: bool) -> None:
    """List the resources."""
    with program.reading() as uow:
        found = uow.resources.list()
    rows = [
        {"identifier": r.identifier, "name": r.name, "scopes": list(r.scopes), "client": r.client_id} for r in found
    ]
    show_rows(rows, json_, "There are no resources; register one: idp resource add URI --scope read=Read")
