"""Each security event leaves one row and one line (R24)."""

import ast
import logging
from pathlib import Path

import pytest

import idp
from idp.accounts.audit import LONGEST, Origin, record
from idp.observe.events import EVENTS
from idp.stores.interfaces import UnitOfWork
from tests.accounts.world import NOW, World

HERE = Origin(address="192.0.2.1", request_id="r-1")


@pytest.mark.case("TK-03")
def test_an_event_is_kept_and_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The row says who, what, whence and how it ended; the log line says the same."""
    with caplog.at_level(logging.INFO, "idp.audit"), world.storage.begin() as uow:
        record(uow, "code.misused", now=NOW, result="invalid_grant", origin=HERE, client_id="web", scope="openid")
    [event] = world.read(lambda uow: uow.audit.list())
    assert (event.name, event.at, event.result, event.client_id) == ("code.misused", NOW, "invalid_grant", "web")
    assert (event.address, event.request_id, event.details) == ("192.0.2.1", "r-1", {"scope": "openid"})
    [line] = caplog.records
    assert line.name == "idp.audit"
    assert line.getMessage() == "code.misused"
    assert vars(line)["result"] == "invalid_grant"


def test_an_unknown_event_is_a_mistake(world: World) -> None:
    """A name outside the catalogue raises and leaves nothing."""
    with pytest.raises(KeyError), world.storage.begin() as uow:
        record(uow, "code.eaten", now=NOW)
    assert world.read(lambda uow: uow.audit.list()) == ()


def test_an_event_goes_with_its_act(world: World) -> None:
    """When the unit of work is rolled back, the event is as well."""

    def fail(uow: UnitOfWork) -> None:
        record(uow, "sign_in.ok", now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.write(fail)
    assert world.read(lambda uow: uow.audit.list()) == ()


def test_fields_are_one_printable_line_of_bounded_length(world: World) -> None:
    """Line breaks, escapes, broken characters and length do not reach the row (HT-28)."""
    hostile = "a\r\n2026 forged\x1b[2J\u202e\ud800" + "x" * 1_000
    with world.storage.begin() as uow:
        record(uow, "sign_in.failed", now=NOW, result=hostile, origin=Origin(hostile, hostile), reason=hostile)
    [event] = world.read(lambda uow: uow.audit.list())
    for text in (event.result, event.address, event.request_id, event.details["reason"]):
        assert text.isprintable()
        assert text.startswith("a??2026 forged?[2J??x")
        assert len(text) == LONGEST


def test_every_recorded_name_is_in_the_catalogue() -> None:
    """Each literal name that the program records is in the catalogue, so none can raise in service."""
    used = set()
    for file in Path(idp.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _called(node.func) in {"record", "audit"}:
                used |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    assert len(used) > 10
    assert used <= set(EVENTS)


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
