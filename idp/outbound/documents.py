"""Documents of other parties that a request depends on: a client's JWK Set, a request object, a sector's list.

Nothing is fetched while a unit of work is open, nor in the threads that serve requests: whoever finds a document
missing raises `DocumentNeeded`, which undoes what was begun; the edge fetches it beside the other work and starts anew
(R14). What came is kept in this process, failures included, in bounded number; each reader says how old it may be.
"""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from idp.clock import Clock
from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.outbound.guard import DEFAULT_BYTES, OutboundClient

_log = logging.getLogger(__name__)

# At most 16 MiB in all.
MOST_DOCUMENTS = 256
# Of these with a fragment, which whoever sends a request chooses: they must not push out everything else.
MOST_VERSIONS = 64
# A failure is not repeated for this long: who does not answer must not hold up each request for the whole deadline.
FAILURE_SECONDS = 10


class DocumentNeeded(Exception):
    """The request cannot go on without the document at `url`: fetch it, then run the request again."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class DocumentUnavailable(Exception):
    """The document could not be had. `reason` is one short line that shows nothing of what was answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Entry:
    """The last good body with its instant, and how the last attempt went: `fault` is empty after a success."""

    body: bytes
    fetched_at: int
    tried_at: int
    fault: str = ""


class Documents:
    """A bounded cache of documents by URL. Safe for use by many threads.

    A fragment tells one version of a document from another (OIDC Core §6.2); it is no part of what is asked for."""

    def __init__(self, client: OutboundClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, url: str, *, fresh_seconds: float, stale_seconds: float = 0) -> bytes:
        """Return a body at most `fresh_seconds` old; while the other side fails, one of `stale_seconds` will do.

        Raises `DocumentNeeded` when it has to be fetched first, `DocumentUnavailable` when that just failed."""
        now = self._clock.now()
        with self._lock:
            entry = self._entries.get(url)
        if entry is None:
            raise DocumentNeeded(url)
        if now - entry.tried_at >= (min(fresh_seconds, FAILURE_SECONDS) if entry.fault else fresh_seconds):
            raise DocumentNeeded(url)
        if entry.fault and now - entry.fetched_at >= stale_seconds:
            raise DocumentUnavailable(entry.fault)
        return entry.body

    def fetch(self, url: str) -> None:
        """Fetch a document now and keep it, or keep why it failed. Takes as long as the other side, within bounds."""
        body, fault = b"", ""
        try:
            body = self._client.get(url.partition("#")[0], DEFAULT_BYTES)
        except (OutboundFailed, OutboundRefused) as failure:
            fault = failure.reason
        except Exception:
            _log.exception("a document could not be fetched, for a reason unforeseen")
            fault = "internal error"
        now = self._clock.now()
        with self._lock:
            last = self._entries.pop(url, None) or _Entry(b"", 0, now)
            self._entries[url] = _Entry(last.body, last.fetched_at, now, fault) if fault else _Entry(body, now, now)
            for version in [key for key in self._entries if "#" in key][:-MOST_VERSIONS]:
                del self._entries[version]
            while len(self._entries) > MOST_DOCUMENTS:
                self._entries.popitem(last=False)
