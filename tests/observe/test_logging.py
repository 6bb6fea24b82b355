"""The log: one line an event, whatever happens to the stream it is written to."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.observe.logging import SafeHandler, configure_logging, log_context

TEXTS = st.text(st.characters(codec=None), max_size=100)


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


class Full(io.StringIO):
    """A stream on a full disk until there is room again."""

    has_room = False

    def write(self, text: str) -> int:
        """Fail while there is no room."""
        if not self.has_room:
            raise OSError(28, "No space left on device")
        return super().write(text)


def log_one(message: str, *args: object, form: str = "json", level: str = "info", **extra: Any) -> str:
    """Log one event and return what was written."""
    stream = io.StringIO()
    configure_logging(level, form, stream)
    logging.getLogger("idp.test").info(message, *args, extra=extra)
    return stream.getvalue()


def test_an_event_is_one_json_object() -> None:
    """Name, level, instant, logger and the fields that came along."""
    line = json.loads(log_one("request", status=200, path="/login"))
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "request", "level": "info", "logger": "idp.test", "status": 200, "path": "/login"}


def test_secrets_do_not_reach_the_stream() -> None:
    """Neither in a field nor in the text."""
    written = log_one(
        "sent %s", "https://rp.example/cb?code=hunter2", password="hunter2", headers={"Cookie": "hunter2"}
    )
    assert "hunter2" not in written


def test_empty_fields_are_left_out() -> None:
    """What is not known is not said."""
    assert "client_id" not in json.loads(log_one("x", client_id=None))


def test_auto_is_text_on_a_terminal_and_json_elsewhere() -> None:
    """People and programs each get what they can read."""
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure_logging("info", "auto", stream)
        logging.getLogger("idp.test").info("hello", extra={"status": 1})
    assert "hello" in terminal.getvalue()
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(terminal.getvalue())
    assert json.loads(pipe.getvalue())["event"] == "hello"


def test_lower_levels_are_not_written() -> None:
    """The setting `log_level` decides."""
    assert log_one("quiet", level="warning") == ""


def test_the_servers_own_messages_take_the_same_way() -> None:
    """Uvicorn's loggers have no handlers of their own, and its access log, which has query strings, is silent."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logging.getLogger("uvicorn.error").error("password=hunter2")
    logging.getLogger("uvicorn.access").info("GET /callback?code=hunter2")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["logger"] == "uvicorn.error"
    assert "hunter2" not in line


def test_lines_within_a_request_carry_its_id() -> None:
    """Whoever logs need not know the request."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    with log_context("abc"):
        logging.getLogger("idp.test").info("inside")
    logging.getLogger("idp.test").info("outside")
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["request_id"] == "abc"
    assert "request_id" not in outside


def test_an_exception_is_one_line_with_its_place() -> None:
    """What happened and where, without locals and without the values of secrets."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    try:
        raise ValueError("bad\nsecret=hunter2")
    except ValueError:
        logging.getLogger("idp.test").exception("unforeseen")
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert found["exception"].startswith("ValueError: bad")
    assert "test_logging.py" in found["where"]
    assert "hunter2" not in line


@pytest.mark.case("HT-28")
@pytest.mark.parametrize("form", ["json", "text"])
@given(message=TEXTS, value=TEXTS, key=TEXTS)
def test_every_event_is_one_line(form: str, message: str, value: str, key: str) -> None:
    """Newlines, escape sequences and quotes in any place cannot forge a second line."""
    written = log_one("%s", message, form=form, user_agent=value, details={key: value})
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written


@pytest.mark.case("OP-38")
def test_a_full_disk_stops_nothing_and_is_counted() -> None:
    """Lost lines are counted, and told once there is room."""
    stream = Full()
    handler = configure_logging("info", "json", stream)
    logger = logging.getLogger("idp.test")
    for _ in range(3):
        logger.info("lost")
    assert isinstance(handler, SafeHandler)
    assert handler.lost == 3
    stream.has_room = True
    logger.info("back")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["event"] == "back"
    assert second["lost_lines"] == 3
    assert handler.lost == 0


PROGRAM = """
import logging, sys
from idp.observe.logging import configure_logging
handler = configure_logging("info", "json", sys.stdout)
for number in range(2000):
    logging.getLogger("idp.test").info("line", extra={"number": number, "filler": "x " * 100})
print("served", handler.lost > 0, file=sys.stderr)
sys.stderr.flush()
import os
os._exit(0)
"""


@pytest.mark.case("OP-38")
def test_a_closed_pipe_stops_nothing() -> None:
    """The reader of the log goes away; the program goes on."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == "served True\n"
    assert process.wait() == 0
    process.stderr.close()


@pytest.mark.case("OP-38")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_device_stops_nothing() -> None:
    """The kernel says that the disk is full; the program goes on."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], stdout=full, stderr=subprocess.PIPE, text=True, check=True, timeout=30
        )
    assert done.stderr == "served True\n"
