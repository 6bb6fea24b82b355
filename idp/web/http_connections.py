"""The connections of one process: how many there may be, who has to go when there are more, and who takes too long."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.web.http_protocol import BoundedHttp


@dataclass(slots=True)
class Connections:
    """Times are in seconds. `most` connections are served; a quarter more is told 503, the rest is cut off.

    A client has `head_seconds` to finish a head that it began and `idle_seconds` to begin another; an answer has to
    leave within `write_seconds`; a refused client may read for `linger_seconds`."""

    most: int = 1_000
    head_seconds: float = 10.0
    idle_seconds: float = 5.0
    write_seconds: float = 30.0
    linger_seconds: float = 1.0
    # Those between requests, the longest waiting first.
    waiting: "dict[BoundedHttp, None]" = field(default_factory=dict)

    def admit(self, new: "BoundedHttp") -> bool:
        """Tell whether a new connection is served. When there are too many, the one that has waited longest for a head
        makes room: whoever holds connections without asking for anything keeps nobody out."""
        if len(new.connections) <= self.most:
            return True
        if self.waiting:
            longest = next(iter(self.waiting))
            del self.waiting[longest]
            new.connections.discard(longest)
            longest.transport.abort()
            return True
        if len(new.connections) > self.most + self.most // 4:
            new.transport.abort()
        return False

    def sweep(self, everyone: "set[BoundedHttp]", now: float) -> None:
        """End what takes too long; to be called about once a second."""
        for connection in [found for found in self.waiting if found.deadline <= now]:
            del self.waiting[connection]
            if connection.is_lingering:
                connection.transport.abort()
            else:
                connection.transport.close()
        for connection in list(everyone):
            if not connection.transport.get_write_buffer_size():
                connection.stuck_since = 0.0
            elif not connection.stuck_since:
                connection.stuck_since = now
            elif now - connection.stuck_since >= self.write_seconds:
                # A peer that reads a byte a second would hold its answer for ever.
                connection.transport.abort()
