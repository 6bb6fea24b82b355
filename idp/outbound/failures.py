"""Why a request to another party did not succeed. The reasons are one short line, fit for a delivery log."""


class OutboundRefused(Exception):
    """We do not make this request: its URL or the address behind it is out of bounds. Repeating it is no use."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutboundFailed(Exception):
    """The request was allowed and failed: unreachable, too slow, too large, or answered wrongly."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
