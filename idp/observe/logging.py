"""The structured log: one JSON object a line, or readable text on a terminal; always one line an event.

Everything goes through the standard library's `logging`, so libraries are heard as well; structlog renders. A log that
cannot be written (disk full, pipe closed) never stops the service.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from idp.observe.redaction import redact, redact_text

# Members of every LogRecord; whatever else a record carries came in by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class SafeHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream and forgets what cannot be written; `lost` counts it."""

    lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the library's name
        """Count instead of printing a trace to a stream that is gone."""
        self.lost += 1


def configure_logging(level: str, form: str, stream: TextIO | None = None) -> SafeHandler:
    """Send all logging to one stream, standard error by default. `form` is `json`, `text`, or `auto` by terminal."""
    stream = stream or sys.stderr
    handler = SafeHandler(stream)
    text = form == "text" or (form == "auto" and stream.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty()) if text else structlog.processors.JSONRenderer()
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _extra,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redacted,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.raiseExceptions = False
    for noisy in ("alembic", "httpcore2", "httpx2", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    return handler


def _extra(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = event.get("_record")
    if record is not None:
        event.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
    return event


def _redacted(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    plain = {"timestamp", "level", "logger"}
    return {
        redact_text(str(key)): value if key in plain else redact("" if key == "event" else str(key), value)
        for key, value in event.items()
    }
