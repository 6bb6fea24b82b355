"""JSON Lines: one record a line, of a `kind`; read and written one by one, so memory does not grow with the file."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

from idp.exchange.accounts import describe_account, import_account
from idp.exchange.clients import describe_client, import_client
from idp.exchange.outcome import Importing, Outcome, Wrong
from idp.exchange.resources import describe_resource, import_resource
from idp.protocol.errors import ProtocolError
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Client

KINDS = ("clients", "resources", "accounts")
PAGE = 500
# No record that can be stored is longer.
LONGEST_LINE_BYTES = 1024 * 1024
Listed = TypeVar("Listed", Account, Client)


@dataclass(slots=True)
class Report:
    """What came of an import: the faults by the number of their line, counts, and the clients that need a secret."""

    faults: list[tuple[int, str]] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    without_secret: list[str] = field(default_factory=list)


def export_lines(uow: UnitOfWork, kinds: Collection[str], *, secrets: bool) -> Iterator[str]:
    """Yield the records of these kinds, each kind by its identifier; what others refer to comes first."""
    if "clients" in kinds:
        for client in _all(uow.clients.list, lambda client: client.client_id):
            yield _line(describe_client(client, secrets=secrets))
    if "resources" in kinds:
        for resource in uow.resources.list():
            yield _line(describe_resource(resource))
    if "accounts" in kinds:
        for account in _all(uow.accounts.list, lambda account: account.account_id):
            yield _line(describe_account(uow, account, secrets=secrets))


def import_lines(uow: UnitOfWork, stream: IO[bytes], importing: Importing) -> Report:
    """Take every record of a stream; a faulty one is noted and the rest goes on, so that all faults are told at once.
    Whoever calls keeps nothing if there are any."""
    report = Report()
    for number, line in enumerate(_lines(stream), 1):
        if not line.strip():
            continue
        try:
            report.outcomes[_take(uow, line, importing, report)] += 1
        except ProtocolError as fault:
            report.faults.append((number, f"{fault.description} {fault.hint}".strip()))
        except UnicodeEncodeError:
            report.faults.append((number, "a text holds a character that no database keeps"))
        except (Wrong, ValueError) as fault:
            report.faults.append((number, str(fault)))
    return report


def _take(uow: UnitOfWork, line: bytes, importing: Importing, report: Report) -> Outcome:
    given = _parse(line)
    kind = given.get("kind")
    if kind == "client":
        outcome, lacks = import_client(uow, given, importing)
        report.without_secret += [given["client_id"]] if lacks else []
        return outcome
    if kind == "resource":
        return import_resource(uow, given, importing)
    if kind == "account":
        return import_account(uow, given, importing)
    raise Wrong("kind must be client, resource or account")


def _line(described: Mapping[str, Any]) -> str:
    # What it is comes first, for people; the rest in one order, for comparing.
    head = ("kind", "client_id", "identifier", "sub", "username")
    ordered = {name: described[name] for name in (*head, *sorted(described)) if name in described}
    return json.dumps(ordered | {n: _sorted(v) for n, v in ordered.items()}, ensure_ascii=False) + "\n"


def _sorted(value: Any) -> Any:
    return {name: _sorted(value[name]) for name in sorted(value)} if isinstance(value, dict) else value


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines; one that is too long comes cut, and cannot be JSON then."""
    while line := stream.readline(LONGEST_LINE_BYTES):
        yield line
        while not line.endswith(b"\n") and line:
            line = stream.readline(LONGEST_LINE_BYTES)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line, object_pairs_hook=_each_once, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Wrong("it is not UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as fault:
        raise Wrong(f"it is not JSON of at most {LONGEST_LINE_BYTES} bytes: {fault}") from None
    if not isinstance(found, dict):
        raise Wrong('a record is a JSON object such as {"kind": "account", "username": "alice"}')
    return found


def _each_once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Wrong(f"{name} is there twice")
        found[name] = value
    return found


def _no_number(name: str) -> Any:
    raise Wrong(f"{name} is not JSON")


def _all(page: Callable[..., tuple[Listed, ...]], key: Callable[[Listed], str]) -> Iterator[Listed]:
    found = page(limit=PAGE)
    while found:
        yield from found
        found = page(after=key(found[-1]), limit=PAGE)
