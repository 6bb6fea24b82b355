"""The structured log: one JSON object a line, or readable text on a terminal; always one line an event.

Everything goes through the standard library's `logging`, so libraries are heard as well. A log that cannot be written
(disk full, pipe closed) never stops the service (OP-38).
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, TextIO

from idp.observe.redaction import redact, redact_name, redact_text

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
# Members of every LogRecord; whatever else a record carries came in by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_FRAMES = 8
_LEVELS = {name: name.lower() for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}
_Event = dict[str, Any]


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


def configure_logging(level: str, form: str, stream: TextIO | None = None, worker: int | None = None) -> SafeHandler:
    """Send all logging to one stream, standard error by default. `form` is `json`, `text`, or `auto` by terminal.
    `worker` is the process id that lines carry where several processes write into one log."""
    stream = stream or sys.stderr
    handler = SafeHandler(stream)
    is_text = form == "text" or (form == "auto" and stream.isatty())
    handler.setFormatter(_OneLine(_renderer(is_text, stream), {} if worker is None else {"worker": worker}))
    # The standard library's way to spare finding out what no line of ours says: file, thread, process, task.
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("alembic", "httpcore2", "httpx2", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    return handler


def _renderer(is_text: bool, stream: TextIO) -> Callable[[_Event], str]:
    if not is_text:
        return json.JSONEncoder(separators=(", ", ": "), default=str).encode
    # Only for people: what programs read is written without another library, on every request.
    from structlog.dev import ConsoleRenderer

    console = ConsoleRenderer(colors=stream.isatty(), pad_event_to=30)
    return lambda event: str(console(None, "", event))


class _OneLine(logging.Formatter):
    """Makes an event of a record, without secrets, and renders it."""

    def __init__(self, render: Callable[[_Event], str], always: Mapping[str, Any]) -> None:
        super().__init__()
        self._render, self._always = render, always

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        event: _Event = {
            "event": redact_text(record.getMessage()) if record.args else redact_name(str(record.msg)),
            "level": _LEVELS.get(record.levelname) or record.levelname.lower(),
            "logger": record.name,
            "timestamp": _instant(record.created),
            **self._always,
        }
        for key, value in vars(record).items():
            if key not in _STANDARD and value is not None and value != "":
                event[redact_name(str(key))] = redact(str(key), value)
        if request_id := REQUEST_ID.get():
            event.setdefault("request_id", request_id)
        if record.exc_info:
            event |= _describe_exception(*record.exc_info)
        return self._render(event)


def _instant(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1e6):06d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def _describe_exception(_kind: object, error: BaseException | None, trace: TracebackType | None) -> Mapping[str, str]:
    """Return what happened and where, innermost last, instead of a trace of many lines; no locals, no source text."""
    if error is None:
        return {}
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    where = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
    return {"exception": redact_text(f"{type(error).__name__}: {error}"), "where": redact_text(where)}


def _record_of_loss(count: int) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "idp.log", "levelno": logging.WARNING, "levelname": "WARNING"})
    record.msg, record.lost_lines = "log lines were lost, for they could not be written", count
    return record
