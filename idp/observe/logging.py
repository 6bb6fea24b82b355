"""The structured log: one JSON object a line, or readable text on a terminal; always one line an event.

Everything goes through the standard library's `logging`, so libraries are heard as well; structlog renders. A log that
cannot be written (disk full, pipe closed) never stops the service (OP-38).
"""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TextIO

import structlog

from idp.observe.redaction import redact, redact_name

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
# Members of every LogRecord; whatever else a record carries came in by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
# Written by us, not by whoever sent a request.
_OWN = frozenset({"timestamp", "level", "logger"})
_FRAMES = 8
_Event = MutableMapping[str, Any]


@contextmanager
def log_context(request_id: str) -> Iterator[None]:
    """Let every line that is logged meanwhile, in this thread or task, carry the request's id."""
    before = REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        REQUEST_ID.reset(before)


class SafeHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream; what cannot be written is counted in `lost`, and told when the stream is back."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. Raises nothing."""
        before = self.lost
        super().emit(record)
        if before and self.lost == before:
            self.lost = 0
            super().emit(_record_of_loss(before))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the library's name
        """Count instead of printing a trace to a stream that is gone."""
        self.lost += 1

    def let_go(self) -> None:
        """Give up what the stream never took: flushed as the interpreter ends, it makes a clean stop a failure."""
        try:
            self.stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)


def configure_logging(level: str, form: str, stream: TextIO | None = None) -> SafeHandler:
    """Send all logging to one stream, standard error by default. `form` is `json`, `text`, or `auto` by terminal."""
    stream = stream or sys.stderr
    handler = SafeHandler(stream)
    is_text = form == "text" or (form == "auto" and stream.isatty())
    handler.setFormatter(_formatter(_renderer(is_text, stream)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("alembic", "httpcore2", "httpx2", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    return handler


def _renderer(is_text: bool, stream: TextIO) -> Any:
    if not is_text:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=30)


def _formatter(renderer: Any) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_extra,
            _add_request_id,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _describe_exception,
            _redact_event,
            renderer,
        ],
    )


def _add_extra(_logger: Any, _name: str, event: _Event) -> _Event:
    record = event.get("_record")
    if record is not None:
        more = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        event.update({key: value for key, value in more.items() if value not in (None, "")})
    return event


def _add_request_id(_logger: Any, _name: str, event: _Event) -> _Event:
    if request_id := REQUEST_ID.get():
        event.setdefault("request_id", request_id)
    return event


def _describe_exception(_logger: Any, _name: str, event: _Event) -> _Event:
    """Replace a trace of many lines by what happened and where, innermost last; no locals, no source text."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, tuple) and info[1] is not None:
        error, frames = info[1], traceback.extract_tb(info[2])[-_FRAMES:]
        event["exception"] = f"{type(error).__name__}: {error}"
        event["where"] = " > ".join(
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
        )
    return event


def _redact_event(_logger: Any, _name: str, event: _Event) -> _Event:
    return {
        redact_name(str(key)): value if key in _OWN else redact("" if key == "event" else str(key), value)
        for key, value in event.items()
    }


def _record_of_loss(count: int) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "idp.log", "levelno": logging.WARNING, "levelname": "WARNING"})
    record.msg, record.lost_lines = "log lines were lost, for they could not be written", count
    return record
