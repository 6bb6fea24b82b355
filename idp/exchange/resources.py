"""Resources as records."""

import re
from collections.abc import Mapping
from typing import Any

from idp.accounts.audit import record
from idp.exchange.outcome import Importing, Outcome, Wrong, check_members
from idp.protocol.registry import Registry
from idp.specs.resource_indicators import parse_resource
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Resource

MEMBERS: Mapping[str, type] = {"kind": str, "identifier": str, "name": str, "scopes": dict, "client_id": str}
# RFC 6749 §3.3: a scope is one token without spaces, quotes and backslashes; `=` divides it from its title.
_SCOPE = re.compile(r"[\x21\x23-\x3c\x3e-\x5b\x5d-\x7e]+")


def check_scope(scope: str, registry: Registry) -> None:
    """Raise `Wrong` unless a resource may have this scope."""
    if not _SCOPE.fullmatch(scope):
        raise Wrong(f"{scope!r} is no scope: printable ASCII without spaces, quotes and backslashes.")
    if scope in registry.scopes:
        raise Wrong(f"The scope {scope!r} is the provider's own.")


def describe_resource(resource: Resource) -> dict[str, Any]:
    """Return a resource as a record."""
    described: dict[str, Any] = {
        "kind": "resource",
        "identifier": resource.identifier,
        "name": resource.name,
        "scopes": dict(resource.scopes),
    }
    return described | ({"client_id": resource.client_id} if resource.client_id is not None else {})


def import_resource(uow: UnitOfWork, given: Mapping[str, Any], importing: Importing) -> Outcome:
    """Make or change the resource that a record describes; its client must be there. Raises `Wrong`,
    `ProtocolError`."""
    check_members(given, MEMBERS, ("identifier",))
    identifier, client_id = parse_resource(given["identifier"]), given.get("client_id")
    for scope, title in given.get("scopes", {}).items():
        check_scope(scope, importing.registry)
        if not isinstance(title, str):
            raise Wrong(f"the title of the scope {scope!r} must be a text")
    if client_id is not None and uow.clients.find(client_id) is None:
        raise Wrong(f"there is no client {client_id!r}; its line must come before")
    wanted = Resource(
        identifier=identifier,
        name=given.get("name", identifier),
        scopes=given.get("scopes", {}),
        client_id=client_id,
    )
    known = uow.resources.find(identifier)
    if known is not None:
        differences = {name: getattr(known, name) != getattr(wanted, name) for name in ("name", "scopes", "client_id")}
        if not any(differences.values()):
            return "unchanged"
        if not importing.may_replace(f"the resource {identifier!r}", differences):
            return "skipped"
    uow.resources.put(wanted)
    record(uow, "resource.changed", now=importing.now, client_id=client_id, identifier=identifier)
    return "made" if known is None else "changed"
